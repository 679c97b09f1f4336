"""The version that is chosen takes the traffic, once it is ready, ours and proved.

KServe decides by one number, canaryTrafficPercent, what the newest revision gets. A changed spec is written with 0 in
the same write, so the revision that serves goes on; 100 follows when the new one has answered a prediction. The first
revision of all has nothing beside it, and KServe gives it everything: it is written with 100 at once.
"""

from datetime import timedelta
from typing import Any, Final

from transfermodel_operator.api import KIND, ConditionType, Reason
from transfermodel_operator.api.status import ServingStatus
from transfermodel_operator.findings import done, failed, waiting
from transfermodel_operator.observed import Manifest
from transfermodel_operator.plan import ProofRequest
from transfermodel_operator.reconcile.keep_warm import keep_warm
from transfermodel_operator.reconcile.refusals import refusal
from transfermodel_operator.reconcile.visit import Visit
from transfermodel_operator.resources import gpus, names
from transfermodel_operator.resources.inference_service import inference_service, spec_differs
from transfermodel_operator.revisions import Rollout, carries, problem, read_rollout
from transfermodel_operator.runs.attempts import format_time, parse_time
from transfermodel_operator.versions import Version

REACTION: Final = timedelta(seconds=20)
"""How long KServe and Knative may take to react to a write before they are called unavailable."""
LOOK_AGAIN_SECONDS: Final = 2.0
PROOF_AGAIN_SECONDS: Final = 5.0
MISSING_AGAIN_SECONDS: Final = 30.0
IDLE: Final = "without requests it scales to its minReplicas"
SERVING = ConditionType.SERVING


def serve(visit: Visit) -> None:
    """Have the chosen version served; settles Serving, status.serving and status.url."""
    live = visit.observed.inference_service
    ours = live is not None and names.controller_uid(live) == visit.uid
    if visit.spec is None:
        keep(visit, live if ours else None)
        return
    if visit.spec.serving.mode == "None":
        if live is not None and ours:
            visit.delete(live | {"apiVersion": names.SERVING_API_VERSION, "kind": "InferenceService"})
        visit.find(SERVING, failed(Reason.NOT_SERVED, "spec.serving.mode is None: the model is trained, not served"))
        return
    if apis_missing(visit) or (live is not None and not ours and conflict(visit, live)):
        return
    version = target(visit, live)
    if version is None:
        visit.find(SERVING, waiting(Reason.PENDING, "Served when there is a first version"))
        return
    version = gpus.with_image(version, visit.settings.predictor_gpu_image)
    if refused := refusal(version, visit.spec.serving):
        refuse(visit, live, *refused)
    elif live is None:
        deploy(visit, version, None)
    elif "deletionTimestamp" in live["metadata"]:
        visit.find(
            SERVING, waiting(Reason.DEPLOYING, "The former InferenceService is being deleted; a new one follows")
        )
        visit.again(LOOK_AGAIN_SECONDS)
    elif spec_differs(desired(visit, version, 0), live):
        deploy(visit, version, live)
    else:
        roll_out(visit, version, live)
    if live is not None and "deletionTimestamp" not in live["metadata"]:
        keep_warm(visit, live)


def refuse(visit: Visit, live: Manifest | None, reason: Reason, message: str) -> None:
    """Leave what serves as it is: the version cannot be served as the spec asks."""
    rollout = read_rollout(live, visit.observed.revisions) if live else None
    visit.find(SERVING, failed(reason, message + remember(visit, rollout)))


def keep(visit: Visit, live: Manifest | None) -> None:
    """Leave what serves as it is, and say so."""
    rollout = read_rollout(live, visit.observed.revisions) if live else None
    if rollout and rollout.serving:
        remember(visit, rollout)
        visit.find(SERVING, done(Reason.SERVED, f"{rollout.version_of(rollout.serving)} goes on serving"))
    else:
        visit.find(SERVING, waiting(Reason.PENDING, "Served when there is a version"))


def apis_missing(visit: Visit) -> bool:
    """Tell whether the cluster lacks what serving needs."""
    for there, reason, product, resource in (
        (visit.observed.apis.knative, Reason.KNATIVE_NOT_INSTALLED, "Knative Serving", "services.serving.knative.dev"),
        (visit.observed.apis.kserve, Reason.KSERVE_NOT_INSTALLED, "KServe", "inferenceservices.serving.kserve.io"),
    ):
        if not there:
            message = (
                f"{product} is not installed in this cluster (no {resource}). Have the platform's owner install it, "
                "or set spec.serving.mode to None; serving then starts by itself"
            )
            visit.find(SERVING, failed(reason, message))
            visit.again(MISSING_AGAIN_SECONDS)
            return True
    return False


def conflict(visit: Visit, live: Manifest) -> bool:
    """Report an InferenceService that is not ours; True: hands off."""
    references = live["metadata"].get("ownerReferences") or []
    if any(r.get("controller") and r["kind"] == KIND and r["name"] == visit.name for r in references):
        message = "The InferenceService of the deleted TransferModel of this name is going; a new one follows"
        visit.find(SERVING, waiting(Reason.DEPLOYING, message))
        visit.again(LOOK_AGAIN_SECONDS)
        return True
    message = (
        f"There is an InferenceService {visit.name!r} in this namespace that does not belong to this TransferModel; it "
        "is left alone. Delete or rename it, give the TransferModel another name, or set spec.serving.mode to None"
    )
    visit.find(SERVING, failed(Reason.NAME_CONFLICT, message))
    visit.again(MISSING_AGAIN_SECONDS)
    return True


def target(visit: Visit, live: Manifest | None) -> Version | None:
    """Return the version to serve: the spec's own; until that is recorded, the one that was served so far."""
    if visit.chosen is not None:
        return visit.chosen
    labelled = ((live or {}).get("metadata", {}).get("labels") or {}).get(names.VERSION_LABEL)
    recorded = visit.previous.serving.version if visit.previous.serving else None
    by_name = {version.name: version for version in visit.versions}
    newest = visit.versions[-1] if visit.versions else None
    return by_name.get(labelled or "") or by_name.get(recorded or "") or newest


def desired(visit: Visit, version: Version, percent: int) -> Manifest:
    """Return the InferenceService of a version."""
    assert visit.spec is not None  # noqa: S101 - serve() has looked
    return inference_service(visit.model, version, visit.spec.serving, visit.output, percent)


def deploy(visit: Visit, version: Version, live: Manifest | None) -> None:
    """Write the version's spec: beside what serves, or as the first."""
    rollout = read_rollout(live, visit.observed.revisions) if live else None
    meanwhile = remember(visit, rollout)
    if write(visit, desired(visit, version, 0 if live else 100), live):
        visit.find(SERVING, waiting(Reason.DEPLOYING, f"{version.name} is being deployed{meanwhile}"))


def write(visit: Visit, manifest: Manifest, live: Manifest | None) -> bool:
    """Plan a server-side apply; False when the last one was refused, which is then the finding."""
    refusal = visit.refusal(manifest)
    if refusal is None:
        if live is not None:
            # The shell forces what has a uid: without one it must not take over what came up meanwhile.
            manifest["metadata"]["uid"] = live["metadata"]["uid"]
        visit.applies.append(manifest)
        visit.again(LOOK_AGAIN_SECONDS)
        return True
    if refusal.code in (400, 403, 409, 422) and "failed calling webhook" not in refusal.message:
        message = f"The InferenceService is refused: {refusal.message.rstrip('.')}. It is tried again by itself"
        visit.find(SERVING, failed(Reason.PREDICTOR_FAILED, message))
    else:
        visit.find(SERVING, failed(Reason.KSERVE_UNAVAILABLE, unavailable("KServe", refusal.message)))
    return False


def unavailable(product: str, what: str) -> str:
    """Return the sentence about a product that is installed but does not act."""
    namespace = {"KServe": "kserve", "Knative Serving": "knative-serving"}[product]
    return (
        f"{product} does not react: {what.rstrip('.')}. "
        f"Have the platform's owner look at the pods in namespace {namespace}; it is tried again by itself"
    )


def roll_out(visit: Visit, version: Version, live: Manifest) -> None:
    """Bring the traffic to the revision of what was written."""
    rollout = read_rollout(live, visit.observed.revisions)
    wanted = desired(visit, version, 0)
    meanwhile = remember(visit, rollout)
    candidate = rollout.created
    if candidate is None or not carries(candidate, wanted):
        visit.find(SERVING, waiting(Reason.DEPLOYING, f"{version.name} is being deployed{meanwhile}"))
        visit.again(LOOK_AGAIN_SECONDS)
        check_reaction(visit, live)
        return
    name = str(candidate["metadata"]["name"])
    if rollout.serving == name:
        confirm(visit, version, live, rollout, name)
        return
    promote = rollout.ready == name and is_proved(visit, name)
    percent = 100 if promote else 0
    if (
        rollout.percent != percent
        and not is_first(rollout)
        and not write(visit, desired(visit, version, percent), live)
    ):
        return
    if rollout.ready == name and not promote and not is_first(rollout):
        prove(visit, version, name, meanwhile)
        return
    stuck = problem(candidate, visit.observed.pods)
    if stuck is not None and rollout.ready != name:
        visit.serving_failed = version.name
        message = f"{version.name} cannot start. {stuck.message}{gpus.deadlock(candidate, visit.observed.pods)}"
        visit.find(SERVING, failed(stuck.reason, f"{message}{meanwhile and meanwhile.replace('; ', ' ') + '.'}"))
    else:
        visit.find(SERVING, waiting(Reason.DEPLOYING, f"{version.name} is being deployed{meanwhile}"))
    visit.again(LOOK_AGAIN_SECONDS)


def is_first(rollout: Rollout) -> bool:
    """Tell whether no revision has ever taken all traffic: KServe then gives it to the first that is ready."""
    return rollout.rolled_out is None


def check_reaction(visit: Visit, live: Manifest) -> None:
    """Say so when KServe or Knative has not reacted to the last write for long."""
    written = [live["metadata"]["creationTimestamp"]]
    for entry in live["metadata"].get("managedFields") or []:
        if entry.get("manager") == names.FIELD_MANAGER and entry.get("operation") == "Apply" and entry.get("time"):
            written.append(entry["time"])
    if visit.now - max(parse_time(time) for time in written) < REACTION:
        return
    status: dict[str, Any] = live.get("status") or {}
    if not status:
        what = f"the InferenceService {visit.name!r} has no status after {REACTION.seconds} seconds"
        visit.find(SERVING, failed(Reason.KSERVE_UNAVAILABLE, unavailable("KServe", what)))
    else:
        what = f"no Revision for the InferenceService {visit.name!r} after {REACTION.seconds} seconds"
        visit.find(SERVING, failed(Reason.KNATIVE_UNAVAILABLE, unavailable("Knative Serving", what)))


def confirm(visit: Visit, version: Version, live: Manifest, rollout: Rollout, name: str) -> None:
    """The revision takes all traffic: is it what we think it is, and does it still stand?"""
    if not is_proved(visit, name):
        # Nothing is said of it until it is proved: the status is then written once.
        visit.serving, visit.url = visit.previous.serving, visit.previous.url
        prove(visit, version, name, "")
        return
    if rollout.percent != 100 and rollout.ready == name and not write(visit, desired(visit, version, 100), live):
        return
    stuck = problem(rollout.created or {}, ()) if rollout.ready != name else None
    if stuck is not None:
        visit.find(SERVING, failed(stuck.reason, f"{version.name} does not run any more. {stuck.message}"))
        visit.again(LOOK_AGAIN_SECONDS)
    elif not rollout.route_ready:
        why = f": it is ready, its route is not ({rollout.route_message})" if rollout.route_message else ""
        visit.find(SERVING, waiting(Reason.DEPLOYING, f"{version.name} is being deployed{why}"))
        visit.again(LOOK_AGAIN_SECONDS)
    else:
        kept = visit.warmth.replicas
        without = f"at this hour at least {kept} {'pod is' if kept == 1 else 'pods are'} kept" if kept else IDLE
        visit.find(SERVING, done(Reason.SERVED, f"{version.name} serves; {without}"))


def is_proved(visit: Visit, revision: str) -> bool:
    """Tell whether a prediction of this revision has shown that it serves its version."""
    recorded = visit.previous.serving
    if recorded is not None and recorded.revision == revision and recorded.verified_at:
        return True
    proof = visit.observed.proofs.get(revision)
    return proof is not None and proof.succeeded


def prove(visit: Visit, version: Version, revision: str, meanwhile: str) -> None:
    """Ask the revision for a prediction, unless its last answer was wrong a moment ago."""
    proof = visit.observed.proofs.get(revision)
    if proof is None:
        visit.find(SERVING, waiting(Reason.DEPLOYING, f"{version.name} is being deployed{meanwhile}"))
    else:
        message = f"{version.name} is ready but gives no right prediction: {proof.message.rstrip('.')}{meanwhile}"
        visit.find(SERVING, failed(Reason.PREDICTION_FAILED, message))
        wait = PROOF_AGAIN_SECONDS - (visit.now - proof.at).total_seconds()
        if wait > 0:
            visit.again(wait)
            return
    visit.proof = ProofRequest(revision=revision, version=version.name, task=version.task, digest=version.digest)


def remember(visit: Visit, rollout: Rollout | None) -> str:
    """Write down what takes the traffic now; return it as the end of a sentence."""
    if rollout is None or rollout.serving is None:
        return ""
    revision = rollout.serving
    recorded = visit.previous.serving
    verified_at = recorded.verified_at if recorded is not None and recorded.revision == revision else None
    proof = visit.observed.proofs.get(revision)
    if verified_at is None and proof is not None and proof.succeeded:
        verified_at = format_time(proof.at)
    version = rollout.version_of(revision)
    visit.serving = ServingStatus(version=version, revision=revision, verified_at=verified_at)
    visit.url = rollout.url_with_port(visit.settings.ingress_port) or visit.previous.url
    return f"; {version} serves meanwhile" if version else ""
