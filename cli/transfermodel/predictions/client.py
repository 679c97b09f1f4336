"""Asking a server by the V1 protocol; one that is scaled to zero is waited for."""

import base64
import json
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from transfermodel.errors import NotFound, TransferModelError, Unreachable
from transfermodel.modalities import TEXT, Modality
from transfermodel.predictions.types import Endpoint, Prediction

if TYPE_CHECKING:
    import httpx

WAKE_SECONDS = 300.0
"""A pod that starts on a node without the image takes minutes; Knative holds the request meanwhile."""
CONNECT_SECONDS = 10.0
PAUSE_SECONDS = 1.0
BATCH = 16
BATCH_BYTES = 32_000_000
"""In base64 a third more: far below the 64 MB that the predictor takes."""
WAKING = (502, 503, 504)
"""What an ingress answers while no pod is ready."""
REFUSED = (400, 413, 415, 422)


class SamplesRefused(TransferModelError):
    """The request was understood, and a sample of it refused."""


class Client:
    """Keeps the connections to one endpoint; may be used from several threads at once."""

    def __init__(self, endpoint: Endpoint, *, wake_seconds: float = WAKE_SECONDS) -> None:
        """Connect to nothing yet; wake_seconds: how long one request may wait for a pod to start."""
        import httpx

        self.endpoint = endpoint
        self.wake_seconds = wake_seconds
        # Proxies of the environment are for the world outside, not for this machine or a cluster's ingress.
        self._http = httpx.Client(
            headers={"Content-Type": "application/json"} | ({"Host": endpoint.host} if endpoint.host else {}),
            timeout=httpx.Timeout(wake_seconds, connect=CONNECT_SECONDS),
            trust_env=False,
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Close the connections."""
        self._http.close()

    def ask(self, samples: Sequence[bytes]) -> list[Prediction]:
        """Return one answer per sample: the content of an image file or of a recording, or a text in UTF-8.

        Raises:
            SamplesRefused: One of the samples is none, or too large.
            NotFound: Another model is served there.
            Unreachable: Nobody answers.
            TransferModelError: The server failed.
        """
        content = body(samples, self.endpoint.modality)
        deadline = time.monotonic() + self.wake_seconds
        while True:
            response, problem = self._post(content)
            if response is not None and response.status_code not in WAKING:
                return self._read(response, len(samples))
            if time.monotonic() + PAUSE_SECONDS > deadline:
                raise Unreachable(
                    f"{self.endpoint.predict_url} did not answer within {self.wake_seconds:.0f} s: {problem}.",
                    f"See why with `transfermodel status {self.endpoint.model}`.",
                )
            time.sleep(PAUSE_SECONDS)

    def _post(self, content: bytes) -> "tuple[httpx.Response | None, str]":
        """Return the response, or None where trying again may help; and what was wrong."""
        import httpx

        try:
            response = self._http.post(self.endpoint.predict_url, content=content)
        except httpx.ConnectError as error:
            raise Unreachable(
                f"Nobody answers at {self.endpoint.url}: {error}.",
                f"See whether it is served with `transfermodel status {self.endpoint.model}`.",
            ) from error
        except (httpx.TimeoutException, httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
            return None, f"{type(error).__name__} {error}".strip()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(f"{self.endpoint.predict_url} cannot be asked: {error!r}.") from error
        return response, f"it says {response.status_code} {said(response)}".rstrip(". ")

    def _read(self, response: "httpx.Response", count: int) -> list[Prediction]:
        where = self.endpoint.predict_url
        if response.status_code in REFUSED:
            raise SamplesRefused(said(response))
        if response.status_code == 404:
            raise NotFound(
                f"{where} is not served: {said(response)}",
                f"See what is with `transfermodel status {self.endpoint.model}`.",
            )
        if response.status_code != 200:
            raise TransferModelError(
                f"{where} answers {response.status_code}: {said(response)}",
                f"See its last words with `transfermodel logs {self.endpoint.model}`.",
            )
        try:
            predictions = [prediction(answer) for answer in response.json()["predictions"]]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise TransferModelError(
                f"{where} answers something else than predictions: {response.text[:200]!r}.",
                "Check that the address is that of a served TransferModel.",
            ) from error
        if len(predictions) != count:
            raise TransferModelError(
                f"{where} gives {len(predictions)} answers for {count} {self.endpoint.modality.many}."
            )
        return predictions


def predict(endpoint: Endpoint, samples: Sequence[bytes]) -> list[Prediction]:
    """Return one answer per sample, a batch at a time.

    Raises:
        TransferModelError: As `Client.ask`; the first sample that is refused ends it.
    """
    answers: list[Prediction] = []
    with Client(endpoint) as client:
        for start in range(0, len(samples), BATCH):
            answers += client.ask(samples[start : start + BATCH])
    return answers


def body(samples: Sequence[bytes], modality: Modality) -> bytes:
    """Return the request of the V1 protocol.

    Raises:
        SamplesRefused: One of the texts is none.
    """
    return json.dumps({"instances": [instance(*each, modality) for each in enumerate(samples)]}).encode()


def instance(position: int, sample: bytes, modality: Modality) -> dict[str, Any]:
    """Return one sample of a request. Raises SamplesRefused."""
    if modality is not TEXT:
        return {modality.key: {"b64": base64.b64encode(sample).decode()}}
    try:
        return {modality.key: sample.decode("utf-8-sig")}
    except UnicodeDecodeError as error:
        raise SamplesRefused(
            f"instances[{position}]: The text is not UTF-8: the byte at position {error.start} does not fit. "
            "Save it as UTF-8."
        ) from error


def prediction(answer: dict[str, object]) -> Prediction:
    """Read one answer of the V1 protocol; raises KeyError, TypeError, ValueError where it is none."""
    probabilities = answer["probabilities"]
    if not isinstance(probabilities, dict):
        raise TypeError("probabilities")
    return Prediction(
        label=str(answer["label"]),
        probability=float(str(answer["probability"])),
        probabilities={str(label): float(share) for label, share in probabilities.items()},
        model_version=str(answer["modelVersion"]),
    )


def said(response: "httpx.Response") -> str:
    """Return the sentence of an error response, or the beginning of its text."""
    try:
        return str(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        return " ".join(response.text.split())[:200] or "nothing"


def curl(endpoint: Endpoint, example: str) -> str:
    """Return one line of shell that asks about a file, or about a text; works with the tools of Linux and of macOS.

    A file goes through a pipe: as an argument it could have 128 KiB at most.
    """
    from shlex import quote

    host = f"-H {quote(f'Host: {endpoint.host}')} " if endpoint.host else ""
    asking = f"curl -sS {host}-H 'Content-Type: application/json'"
    if endpoint.modality is TEXT:
        request = json.dumps({"instances": [{"text": example}]}, ensure_ascii=False)
        return f"{asking} -d {quote(request)} {quote(endpoint.predict_url)}"
    key = endpoint.modality.key
    return (
        f"""(printf '{{"instances":[{{"{key}":{{"b64":"'; base64 < {quote(example)}; printf '"}}}}]}}') | """
        f"{asking} -d @- {quote(endpoint.predict_url)}"
    )
