"""What an API server refuses, as our own errors: the one place that reads its answers to failures."""

import json
from typing import Any

from transfermodel.errors import ExitCode, NotFound, TransferModelError, Unreachable

CONNECT = "Start the cluster, or choose another with --context or --kubeconfig."
LOG_IN = "Log in to the cluster again, as `kubectl get namespaces` would need it too."


class Forbidden(TransferModelError):
    """The API server knows the user, and the user may not do this."""

    exit_code = ExitCode.FAILED


class KindAbsent(NotFound):
    """The API server does not know the kind: its product is not installed."""


class ObjectAbsent(NotFound):
    """There is no such object."""


def unreachable(server: str, why: str) -> Unreachable:
    """Return the error for a server that does not answer."""
    return Unreachable(f"The cluster at {server} does not answer: {why}.", CONNECT)


def of_transport(server: str, error: Exception) -> TransferModelError:
    """Return our error for a request that got no answer; `error` is urllib3's or the operating system's."""
    reason: Any = getattr(error, "reason", None) or error
    text = str(reason).lower()
    if "refused" in text:
        return unreachable(server, "nothing listens there")
    if "timed out" in text or "timeout" in type(reason).__name__.lower():
        return unreachable(server, "no answer in time")
    if "resolve" in text or "name or service" in text or "nodename" in text:
        return unreachable(server, "its name does not resolve")
    if "certificate" in text:
        return Unreachable(
            f"The cluster at {server} shows a certificate that the kubeconfig does not trust.",
            "Renew the kubeconfig: the cluster may have been made anew since it was written.",
        )
    return unreachable(server, " ".join(str(reason).split()).rstrip("."))


def of_response(server: str, status: int, body: bytes, path: str) -> TransferModelError:
    """Return our error for an answer that is not a success.

    Kubernetes answers with a `Status` object; an unknown path (a kind whose CRD is absent) with plain text.
    """
    answer = _status_object(body)
    said = str(answer.get("message") or body.decode("utf-8", "replace").strip()[:300] or f"HTTP {status}").rstrip(".")
    if status == 401:
        return Unreachable(f"The cluster at {server} does not accept the kubeconfig's credentials.", LOG_IN)
    if status == 403:
        return Forbidden(
            f"The cluster refuses it: {said}.", "Ask the cluster's owner for the role `view` in that namespace."
        )
    if status == 404:
        if (answer.get("details") or {}).get("name"):
            return ObjectAbsent(f"There is no such object: {said}.")
        return KindAbsent(f"The cluster knows nothing at {path}.", "Look at what it lacks: transfermodel doctor")
    if status in (429, 500, 503, 504):
        return Unreachable(f"The cluster at {server} fails: {said} (HTTP {status}).", "Try again in a moment.")
    return TransferModelError(f"The cluster at {server} answered HTTP {status}: {said}.")


def _status_object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
