"""The connection to the API server: plain dictionaries in and out, over the Kubernetes client's transport."""

import json
import os
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from transfermodel_operator.cluster.errors import (
    ConflictError,
    KindAbsentError,
    NotFoundError,
    of_response,
    of_transport,
)
from transfermodel_operator.cluster.kinds import Kind
from transfermodel_operator.resources.names import FIELD_MANAGER

Object = dict[str, Any]
"""An object of the API as plain JSON."""

METADATA_ONLY: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
MERGE_PATCH: Final = "application/merge-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"
TIMEOUT_SECONDS: Final = 15.0
LIST_PAGE: Final = 500


class Client:
    """One pool of connections. Every failure is a ClusterError."""

    def __init__(self, configuration: Configuration) -> None:
        # Kubernetes is reached directly: a proxy of the environment is for the world outside.
        configuration.client_session_kwargs = {"trust_env": False}
        self._configuration = configuration
        self._api = ApiClient(configuration)
        self.writes = 0
        """Requests that changed something, Events and Leases included."""

    @classmethod
    async def connect(cls) -> "Client":
        """Log in with $KUBECONFIG when it is set, else with the pod's service account, else with ~/.kube/config."""
        configuration = Configuration()
        if not os.environ.get("KUBECONFIG") and os.environ.get("KUBERNETES_SERVICE_HOST"):
            config.load_incluster_config(client_configuration=configuration)
        else:
            await config.load_kube_config(client_configuration=configuration)
        return cls(configuration)

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def credentials(self) -> dict[str, Any]:
        """Return server and credentials for another client (Kopf's), fresh at the time of the call."""
        held = self._configuration
        headers: dict[str, str] = {}
        await self._api.update_params_for_auth(headers, [], ["BearerToken"], "", "GET", None)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return {
            "server": held.host,
            "ca_path": held.ssl_ca_cert,
            "insecure": None if held.verify_ssl else True,
            "certificate_path": held.cert_file,
            "private_key_path": held.key_file,
            "scheme": scheme or None,
            "token": token or None,
        }

    # -- Verbs

    async def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """Return the object, live, or None when there is none.

        Raises:
            KindAbsentError: the API server does not know the kind.
        """
        try:
            return await self.request("GET", kind.path(namespace, name))
        except NotFoundError:
            return None

    async def list(
        self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = "", metadata_only: bool = False
    ) -> list[Object]:
        """Return all objects that match, live.

        Raises:
            KindAbsentError: the API server does not know the kind.
        """
        query: dict[str, str] = {"limit": str(LIST_PAGE)}
        if labels:
            query["labelSelector"] = labels
        if fields:
            query["fieldSelector"] = fields
        items: list[Object] = []
        while True:
            page = await self.request(
                "GET", kind.path(namespace), query=query, accept=METADATA_ONLY if metadata_only else None
            )
            items.extend(page.get("items") or [])
            following = (page.get("metadata") or {}).get("continue")
            if not following:
                return items
            query["continue"] = following

    async def create(self, kind: Kind, namespace: str, body: Object) -> Object:
        """POST an object.

        Raises:
            AlreadyExistsError: there is one of this name.
        """
        query = {"fieldManager": FIELD_MANAGER}
        return await self.request("POST", kind.path(namespace), query=query, body=body)

    async def replace(
        self, kind: Kind, namespace: str, name: str, body: Object, *, subresource: str | None = None
    ) -> Object:
        """PUT an object; with a resourceVersion in it only if it has not changed since (else ConflictError)."""
        query = {"fieldManager": FIELD_MANAGER}
        return await self.request("PUT", kind.path(namespace, name, subresource), query=query, body=body)

    async def merge(
        self, kind: Kind, namespace: str, name: str, patch: Object, *, subresource: str | None = None
    ) -> Object:
        """Merge-patch an object; with metadata.resourceVersion in the patch only if it has not changed since."""
        query = {"fieldManager": FIELD_MANAGER}
        path = kind.path(namespace, name, subresource)
        return await self.request("PATCH", path, query=query, body=patch, content_type=MERGE_PATCH)

    async def apply(self, kind: Kind, namespace: str, body: Object, *, force: bool) -> Object:
        """Server-side apply; with `force` the fields in `body` are ours, whoever wrote them before.

        Raises:
            ConflictError: without `force`: somebody else wrote one of the fields; or the uid in `body` is another's.
        """
        query = {"fieldManager": FIELD_MANAGER, "force": "true" if force else "false"}
        path = kind.path(namespace, body["metadata"]["name"])
        return await self.request("PATCH", path, query=query, body=body, content_type=APPLY_PATCH)

    async def delete(self, kind: Kind, namespace: str, name: str, *, uid: str | None, propagation: str) -> None:
        """Delete exactly the object that was seen; one that is gone, or is another by now, is left alone."""
        body: Object = {"propagationPolicy": propagation}
        if uid:
            body["preconditions"] = {"uid": uid}
        try:
            await self.request("DELETE", kind.path(namespace, name), body=body)
        except (NotFoundError, KindAbsentError, ConflictError):
            return

    async def logs(self, namespace: str, pod: str, *, container: str, tail_lines: int, limit_bytes: int) -> str:
        """Return the end of a container's log."""
        query = {"container": container, "tailLines": str(tail_lines), "limitBytes": str(limit_bytes)}
        answer = await self._exchange("GET", f"/api/v1/namespaces/{namespace}/pods/{pod}/log", query=query)
        return answer.decode("utf-8", "replace")

    # -- One request

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
        accept: str | None = None,
    ) -> Object:
        """Send one request and return the JSON of its answer.

        Raises:
            ClusterError: in one of its forms.
        """
        answer = await self._exchange(method, path, query=query, body=body, content_type=content_type, accept=accept)
        decoded = json.loads(answer)
        return decoded if isinstance(decoded, dict) else {}

    async def _exchange(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
        accept: str | None = None,
    ) -> bytes:
        what = f"{method} {path}"
        headers = {"Accept": accept or "application/json", "Content-Type": content_type}
        if method != "GET":
            self.writes += 1
        try:
            request = await self._api.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
            )
            response = await self._api.call_api(
                *request, _request_timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS, connect=5)
            )
            content: bytes = await response.read()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise of_transport(error, what) from error
        if not 200 <= response.status <= 299:
            raise of_response(response.status, content, what, response.getheader("Retry-After"))
        return content
