"""Predictions over HTTP, through the Knative ingress."""

import base64
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from examples.digits.errors import DemoError

TIMEOUT_SECONDS = 120
IMAGES_PER_REQUEST = 64


@dataclass(frozen=True)
class Prediction:
    """One answer."""

    label: str
    probability: float
    model_version: str


@dataclass(frozen=True)
class Endpoint:
    """Where one model answers."""

    ingress: str
    """The address to connect to: names below `localhost` are resolved by curl and browsers, not by every library."""
    url: str
    """status.url."""
    name: str

    @property
    def path(self) -> str:
        """Path of the V1 protocol."""
        return f"/v1/models/{self.name}:predict"

    def predict(self, images: list[bytes]) -> list[Prediction]:
        """Ask for all images, some at a time.

        Raises:
            DemoError: an answer is missing or not what the protocol says.
        """
        answers: list[Prediction] = []
        host = urlsplit(self.url).netloc
        with httpx.Client(base_url=self.ingress, headers={"Host": host}, timeout=TIMEOUT_SECONDS) as client:
            for start in range(0, len(images), IMAGES_PER_REQUEST):
                part = images[start : start + IMAGES_PER_REQUEST]
                answers += self._ask(client, part)
        return answers

    def _ask(self, client: httpx.Client, images: list[bytes]) -> list[Prediction]:
        where = f"POST {self.url}{self.path}"
        try:
            response = client.post(self.path, content=body(images), headers={"Content-Type": "application/json"})
        except httpx.HTTPError as error:
            raise DemoError(f"{where} (by {self.ingress}): {error!r}") from error
        if response.status_code != 200:
            raise DemoError(f"{where}: {response.status_code} {response.text[:500]}")
        try:
            predictions = [
                Prediction(str(p["label"]), float(p["probability"]), str(p["modelVersion"]))
                for p in response.json()["predictions"]
            ]
        except (ValueError, KeyError, TypeError) as error:
            raise DemoError(f"{where}: not an answer of this protocol: {response.text[:500]}") from error
        if len(predictions) != len(images):
            raise DemoError(f"{where}: {len(predictions)} answers for {len(images)} images")
        return predictions

    def curl(self, request_file: str) -> str:
        """Return the command that does the same for a user."""
        target, host = f"{self.url}{self.path}", ""
        name = urlsplit(self.url).hostname or ""
        if not name.endswith(".localhost"):
            # Whether the name is in anybody's DNS only the cluster's owner knows.
            target, host = f"{self.ingress}{self.path}", f"-H 'Host: {urlsplit(self.url).netloc}' "
        return f"curl -s -H 'Content-Type: application/json' {host}-d @{request_file} {target}"


def body(images: list[bytes]) -> str:
    """Return the request of the V1 protocol."""
    return json.dumps({"instances": [{"image": {"b64": base64.b64encode(image).decode()}} for image in images]})
