"""What KServe and Knative say about the revisions of an InferenceService; never by its own Ready condition."""

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from transfermodel_operator.api import Reason
from transfermodel_operator.findings import Finding, failed
from transfermodel_operator.observed import Manifest
from transfermodel_operator.resources import names
from transfermodel_operator.resources.inference_service import differs
from transfermodel_operator.runs import pods

DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Rollout:
    """Who takes the traffic."""

    revisions: dict[str, Manifest]
    created: Manifest | None
    """The newest Revision; None while KServe does not know of it yet, and its word is of a spec before."""
    ready: str | None
    """Name of the newest Revision that is ready."""
    rolled_out: str | None
    """Name of the Revision that last took all traffic, as KServe remembers it."""
    serving: str | None
    """Name of the Revision that takes all traffic now."""
    percent: int | None
    """canaryTrafficPercent of the spec."""
    route_ready: bool
    """The address leads to the Revision that serves."""
    route_message: str
    """Why the route cannot become ready; empty while it may."""
    url: str | None

    def version_of(self, revision: str) -> str | None:
        """Return the version that a Revision serves."""
        labels = self.revisions.get(revision, {}).get("metadata", {}).get("labels") or {}
        return labels.get(names.VERSION_LABEL)

    def url_with_port(self, port: int | None) -> str | None:
        """Return the URL with the ingress's port, unless that is the scheme's own."""
        if not self.url or port is None:
            return self.url
        parts = urlsplit(self.url)
        if DEFAULT_PORTS.get(parts.scheme) == port or parts.port is not None:
            return self.url
        return urlunsplit(parts._replace(netloc=f"{parts.netloc}:{port}"))


def read_rollout(live: Manifest, revisions: tuple[Manifest, ...]) -> Rollout:
    """Return who takes the traffic of an InferenceService."""
    status = live.get("status") or {}
    component = (status.get("components") or {}).get("predictor") or {}
    by_name = {str(revision["metadata"]["name"]): revision for revision in revisions}
    shares: dict[str, int] = {}
    for traffic in component.get("traffic") or []:
        name = str(traffic.get("revisionName", ""))
        shares[name] = shares.get(name, 0) + int(traffic.get("percent") or 0)
    route = next((c for c in status.get("conditions") or [] if c["type"] == "PredictorRouteReady"), None)
    route_ready = route is not None and route["status"] == "True"
    broken = route is not None and route["status"] == "False"
    message = (route or {}).get("message") or (route or {}).get("reason") or "no reason is given"
    created = str(component.get("latestCreatedRevision", ""))
    return Rollout(
        revisions=by_name,
        # Knative counts its Revisions up in their names: …-00001.
        created=by_name.get(created) if created == max(by_name, default="") else None,
        ready=component.get("latestReadyRevision"),
        rolled_out=component.get("latestRolledoutRevision"),
        serving=next((name for name, share in shares.items() if share == 100), None),
        percent=((live.get("spec") or {}).get("predictor") or {}).get("canaryTrafficPercent"),
        route_ready=route_ready,
        route_message=str(message) if broken else "",
        url=component.get("url"),
    )


def carries(revision: Manifest, wanted: Manifest) -> bool:
    """Tell whether a Revision was made from the InferenceService that we want.

    Its labels and the hash say what it was meant to be. Its container is compared too: somebody may have edited the
    InferenceService, and that Revision carries our labels as well.
    """
    metadata, ours, predictor = revision["metadata"], wanted["metadata"], wanted["spec"]["predictor"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    scale = {"min-scale": str(predictor["minReplicas"]), "max-scale": str(predictor["maxReplicas"])}
    scaled = {key: annotations.get(f"autoscaling.knative.dev/{key}", value) for key, value in scale.items()}
    if names.MIN_REPLICAS_ANNOTATION in annotations:  # min-scale follows the hour
        scaled["min-scale"] = annotations[names.MIN_REPLICAS_ANNOTATION]
    return (
        all(labels.get(key) == ours["labels"][key] for key in (names.VERSION_LABEL, names.DIGEST_LABEL))
        and annotations.get(names.SPEC_HASH_ANNOTATION) == ours["annotations"][names.SPEC_HASH_ANNOTATION]
        and scaled == scale
        and not differs(predictor["containers"], (revision.get("spec") or {}).get("containers"))
    )


def problem(revision: Manifest, all_pods: tuple[Manifest, ...]) -> Finding | None:
    """Return why a Revision cannot become ready, or None while it still may."""
    name = revision["metadata"]["name"]
    own = [pod for pod in all_pods if (pod["metadata"].get("labels") or {}).get(names.REVISION_LABEL) == name]
    for pod in own:
        stuck = pods.waits(pod, names.PREDICTOR_CONTAINER, "spec.serving")
        if stuck is not None:
            return stuck
        ended = pods.terminated(pod, names.PREDICTOR_CONTAINER)
        if ended and (ended.get("exitCode") or 0) != 0:
            return crashed(ended.get("reason"), ended.get("exitCode"), ended.get("message"))
    conditions = (revision.get("status") or {}).get("conditions") or []
    for condition in conditions:
        if condition["type"] == "Ready" and condition["status"] == "False":
            detail = pods.last_words(condition.get("message")) or condition.get("reason", "no reason is given")
            return failed(Reason.PREDICTOR_FAILED, f"Knative says: {detail}")
    return None


def crashed(reason: str | None, code: int | None, message: str | None) -> Finding:
    """Return the last words of a predictor."""
    if reason == "OOMKilled":
        return failed(
            Reason.PREDICTOR_FAILED,
            "The predictor used more memory than it may. Raise spec.serving.resources.limits.memory",
        )
    words = pods.last_words(message)
    return failed(
        Reason.PREDICTOR_FAILED,
        f"The predictor ended with code {code}" + (f"; its last words: {words}" if words else ""),
    )
