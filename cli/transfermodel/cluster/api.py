"""Questions to an API server: generic objects in, nothing written. The only module that imports `kubernetes`."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from transfermodel.cluster.errors import ObjectAbsent, of_response, of_transport
from transfermodel.cluster.kinds import Kind, Manifest
from transfermodel.errors import Unreachable

CONNECT_SECONDS: Final = 3.0
READ_SECONDS: Final = 20.0
MOST_WAITS: Final = 5
WAIT_SECONDS: Final = 5
LIST_LIMIT: Final = 500
SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
NO_CLUSTER: Final = (
    "Give --kubeconfig FILE or set KUBECONFIG; to work without a cluster: transfermodel run -f FILE, on this machine."
)


class Api:
    """One API server, with one user's rights."""

    def __init__(self, client: Any, namespace: str) -> None:
        """Take a configured kubernetes.client.ApiClient, and the namespace that its context names."""
        self._client = client
        self.server: str = client.configuration.host
        self.namespace = namespace

    @classmethod
    def connect(cls, kubeconfig: Path | None = None, context: str | None = None) -> "Api":
        """Read the kubeconfig as kubectl does; in a pod without one, its service account.

        Nothing is asked of the server yet.

        Raises:
            Unreachable: There is no kubeconfig, no such context, or no way to log in.
        """
        import yaml
        from kubernetes import client, config

        configuration = client.Configuration()
        configuration.retries = _patience()
        try:
            if not is_configured(kubeconfig):
                raise Unreachable(_not_configured(kubeconfig), NO_CLUSTER)
            if kubeconfig is None and not _kubeconfigs() and _in_pod():
                config.load_incluster_config(client_configuration=configuration)
                return cls(client.ApiClient(configuration), (SERVICE_ACCOUNT / "namespace").read_text().strip())
            file = str(kubeconfig) if kubeconfig else os.pathsep.join(map(str, _kubeconfigs()))
            config.load_kube_config(config_file=file, context=context, client_configuration=configuration)
            contexts, active = config.list_kube_config_contexts(config_file=file)
        except (config.ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, KeyError) as error:
            said = " ".join(str(error).split()).rstrip(".")
            raise Unreachable(
                f"The kubeconfig cannot be used: {said}.", "Check it with: kubectl config get-contexts"
            ) from None
        chosen = next((entry for entry in contexts if entry["name"] == context), active)
        return cls(client.ApiClient(configuration), chosen["context"].get("namespace") or "default")

    # -- Objects

    def get(self, kind: Kind, namespace: str | None, name: str) -> Manifest | None:
        """Return one object, or None when there is none of that name."""
        try:
            return dict(self.json(kind.path(namespace, name)))
        except ObjectAbsent:
            return None

    def list(self, kind: Kind, namespace: str | None = None, *, labels: str = "", fields: str = "") -> list[Manifest]:
        """Return the objects of a namespace, or of the whole cluster; page by page."""
        items: list[Manifest] = []
        proceed = ""
        while True:
            query = {"limit": LIST_LIMIT, "labelSelector": labels, "fieldSelector": fields, "continue": proceed}
            page = self.json(kind.path(namespace), query)
            items += page.get("items") or []
            proceed = (page.get("metadata") or {}).get("continue") or ""
            if not proceed:
                return items

    def json(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """Return the answer to a GET."""
        return json.loads(self.read(path, query))

    # -- Bytes

    def read(
        self, path: str, query: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """Return the body of the answer to a GET.

        Raises:
            TransferModelError: As `errors` says.
        """
        status, body = self.fetch(path, query, headers)
        if not 200 <= status < 300:
            raise of_response(self.server, status, body, path)
        return body

    def fetch(
        self, path: str, query: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Return status and body of the answer to a GET, whatever the status is."""
        response = self._send(path, query, headers)
        try:
            return response.status, bytes(response.read())
        except Exception as error:
            raise self._our(error) from None

    def lines(self, path: str, query: Mapping[str, Any] | None = None) -> Iterator[str]:
        """Return the lines of an answer as they come, for as long as they come.

        Raises:
            TransferModelError: At once, when the answer is none.
        """
        response = self._send(path, query, None, read_seconds=None)
        if response.status != 200:
            raise of_response(self.server, response.status, bytes(response.read()), path)
        return self._lines(response.response)

    def _lines(self, response: Any) -> Iterator[str]:
        rest = b""
        try:
            for chunk in response.stream(amt=65536, decode_content=True):
                *whole, rest = (rest + chunk).split(b"\n")
                yield from (line.decode("utf-8", "replace") for line in whole)
        except Exception as error:
            raise self._our(error) from None
        if rest:
            yield rest.decode("utf-8", "replace")

    def _send(
        self,
        path: str,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        read_seconds: float | None = READ_SECONDS,
    ) -> Any:
        asked = {key: value for key, value in (query or {}).items() if value not in ("", None)}
        full = f"{path}?{urlencode(asked)}" if asked else path
        try:
            method, url, sent, _, _ = self._client.param_serialize(
                method="GET",
                resource_path=full,
                header_params={"Accept": "application/json, */*"} | dict(headers or {}),
                auth_settings=["BearerToken"],
            )
            return self._client.call_api(method, url, sent, _request_timeout=(CONNECT_SECONDS, read_seconds))
        except Exception as error:
            raise self._our(error) from None

    def _our(self, error: Exception) -> Exception:
        """Return our error for one of the client's; a bug of ours stays what it is."""
        import urllib3
        from kubernetes.client.exceptions import ApiException

        if isinstance(error, (urllib3.exceptions.HTTPError, OSError)):
            return of_transport(self.server, error)
        if isinstance(error, ApiException):  # it wraps TLS errors
            return of_transport(self.server, OSError(error.reason))
        return error


def _patience() -> Any:
    """Return when urllib3 asks again: where the server says after what time, as kubectl does. All else is told at once.

    An API server says so while it is busy, and while it still loads the objects of a kind that was just installed.
    """
    from urllib3 import Retry

    return Retry(
        total=MOST_WAITS,
        connect=False,
        read=False,
        redirect=False,
        other=0,
        raise_on_status=False,
        retry_after_max=WAIT_SECONDS,
    )


def is_configured(kubeconfig: Path | None = None) -> bool:
    """Tell whether a cluster was chosen at all: by an argument, $KUBECONFIG, ~/.kube/config, or by being in a pod."""
    if kubeconfig is not None:
        return kubeconfig.is_file()
    return bool(_kubeconfigs()) or _in_pod()


def _kubeconfigs() -> list[Path]:
    """Return the files that kubectl would read, those that are there."""
    named = os.environ.get("KUBECONFIG", "")
    files = [Path(part) for part in named.split(os.pathsep) if part] or [Path.home() / ".kube" / "config"]
    return [file for file in files if file.is_file()]


def _in_pod() -> bool:
    return bool(os.environ.get("KUBERNETES_SERVICE_HOST")) and (SERVICE_ACCOUNT / "token").is_file()


def _not_configured(kubeconfig: Path | None) -> str:
    if kubeconfig is not None:
        return f"There is no kubeconfig {kubeconfig}."
    named = os.environ.get("KUBECONFIG")
    return f"KUBECONFIG names no file that is there: {named}." if named else "No cluster is configured: no kubeconfig."
