"""Every reason of a condition in a few words, and the commands that help against it."""

import json
import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from transfermodel_operator.api import Reason
from transfermodel_operator.resources import gpus, names
from transfermodel_operator.resources.quantities import parse_quantity

from transfermodel.cluster.surroundings import Surroundings

WORDS: Final[Mapping[Reason, str]] = {
    Reason.RECONCILING: "the operator has not looked at it yet",
    Reason.WAITING_FOR_BASE: "the model that it starts from is not trained yet",
    Reason.PENDING: "its turn has not come yet",
    Reason.PULLING_IMAGE: "the node pulls the image",
    Reason.RUNNING: "training is under way",
    Reason.SUSPENDED: "spec.suspend is set",
    Reason.DEPLOYING: "the version is being rolled out",
    Reason.RETRYING: "it is tried again by itself",
    Reason.SUCCEEDED: "done",
    Reason.SERVED: "predictions are answered",
    Reason.NOT_SERVED: "serving was not asked for",
    Reason.INVALID_SPEC: "the spec contradicts itself",
    Reason.INVALID_NAME: "the name cannot be used",
    Reason.OUTPUT_MISSING: "nobody says where the artifact goes",
    Reason.BASE_NOT_FOUND: "the model that it starts from does not exist",
    Reason.BASE_CYCLE: "the models start from each other in a circle",
    Reason.BASE_FAILED: "the model that it starts from has failed",
    Reason.UNKNOWN_BACKBONE: "there is no such architecture",
    Reason.INPUT_REQUIRED: "spec.backbone.input is needed",
    Reason.WEIGHTS_UNAVAILABLE: "the pretrained weights cannot be had",
    Reason.WEIGHTS_MISMATCH: "the weights do not fit the architecture",
    Reason.DATA_NOT_FOUND: "there is no data at the URI",
    Reason.DATA_ACCESS_DENIED: "the storage refuses the credentials",
    Reason.DATA_INVALID: "the data cannot be read",
    Reason.EMPTY_CLASS: "a class has no samples",
    Reason.TOO_FEW_CLASSES: "there must be two classes at least",
    Reason.CLASSES_DIFFER: "train and test have other classes",
    Reason.TOO_MANY_UNREADABLE_FILES: "too many files cannot be read",
    Reason.UNSAFE_ARCHIVE: "the archive would write outside its folder",
    Reason.OUTPUT_NOT_WRITABLE: "the artifact cannot be written",
    Reason.STORAGE_UNAVAILABLE: "the storage does not answer",
    Reason.SECRET_NOT_FOUND: "the storage credentials are missing",
    Reason.POD_NOT_CREATED: "a quota or a policy refuses the pod",
    Reason.UNSCHEDULABLE: "no node can take the pod",
    Reason.VOLUME_NOT_READY: "the volume with the data is not there",
    Reason.IMAGE_PULL_FAILED: "the image cannot be pulled",
    Reason.OUT_OF_MEMORY: "training needs more memory than it may use",
    Reason.DEADLINE_EXCEEDED: "training took too long",
    Reason.EXPORT_MISMATCH: "what would be served differs from what was trained",
    Reason.TRAINING_DIVERGED: "the loss became infinite",
    Reason.RUN_FAILED: "the training run ended with an error",
    Reason.NAME_CONFLICT: "somebody else's InferenceService has the name",
    Reason.KSERVE_NOT_INSTALLED: "KServe is not installed",
    Reason.KNATIVE_NOT_INSTALLED: "Knative Serving is not installed",
    Reason.KSERVE_UNAVAILABLE: "KServe does not react",
    Reason.KNATIVE_UNAVAILABLE: "Knative Serving does not react",
    Reason.PRECISION_REFUSED: "the model is not as good in 8-bit integers, or has none",
    Reason.GPU_NOT_USABLE: "a GPU would be held and not used",
    Reason.PREDICTOR_FAILED: "the predictor does not start",
    Reason.PREDICTION_FAILED: "the predictor answers wrongly",
}


def in_words(reason: str) -> str:
    """Return what a reason means; a newer operator's, which is unknown here, is split at its capitals."""
    try:
        return WORDS[Reason(reason)]
    except ValueError:
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", reason).lower()


def remedies(reason: str, around: Surroundings) -> tuple[str, ...]:
    """Return what to do about a reason, as commands with this model's own names in them."""
    try:
        known = Reason(reason)
    except ValueError:
        return ()
    for reasons, remedy in REMEDIES:
        if known in reasons:
            return remedy(around)
    return ()


def _retry(around: Surroundings) -> str:
    where = f"{around.name} -n {around.namespace}"
    return f'kubectl annotate transfermodel {where} {names.RUN_REQUESTED_ANNOTATION}="$(date +%s)" --overwrite'


def _patch(around: Surroundings, spec: dict[str, Any]) -> str:
    body = json.dumps({"spec": spec})
    return f"kubectl patch transfermodel {around.name} -n {around.namespace} --type merge -p '{body}'"


def create_secret(name: str, namespace: str) -> str:
    """Return the command that makes a Secret with storage credentials."""
    return (
        f"kubectl create secret generic {name} -n {namespace} --from-literal=AWS_ACCESS_KEY_ID=… "
        "--from-literal=AWS_SECRET_ACCESS_KEY=… --from-literal=AWS_ENDPOINT_URL=… --from-literal=AWS_REGION=…"
    )


def add_key(name: str, namespace: str, keys: tuple[str, ...]) -> str:
    """Return the command that adds keys to a Secret."""
    body = json.dumps({"stringData": dict.fromkeys(keys, "…")}, ensure_ascii=False)
    return f"kubectl patch secret {name} -n {namespace} -p '{body}'"


def _secret(around: Surroundings) -> tuple[str, ...]:
    commands = []
    for name, secret in around.secrets.items():
        if secret is None:
            commands.append(create_secret(name, around.namespace))
        elif secret.missing:
            commands.append(add_key(name, around.namespace, secret.missing))
    return tuple(commands) or tuple(create_secret(name, around.namespace) for name in around.secret_names[:1])


def _wrong_credentials(around: Surroundings) -> tuple[str, ...]:
    secret = around.credentials("data")
    if secret is None:
        return ("Name a Secret in spec.data.credentialsSecretName: the data is not public.", _retry(around))
    replace = f"kubectl delete secret {secret} -n {around.namespace} && {create_secret(secret, around.namespace)}"
    return (replace, _retry(around))


def _output(around: Surroundings) -> tuple[str, ...]:
    uri = (around.spec.get("output") or {}).get("uri") or "the operator's default output"
    secret = around.credentials("output")
    keys = f"that the keys of Secret {secret} may write there" if secret else "spec.output.credentialsSecretName"
    return (f"Check that the bucket of {uri} exists, and {keys}.", _retry(around))


def _data(around: Surroundings) -> tuple[str, ...]:
    uri = ((around.spec.get("data") or {}).get("train") or {}).get("uri", "spec.data")
    return (f"Correct the data ({uri}) or spec.data, then:", _retry(around))


def _spec(around: Surroundings) -> tuple[str, ...]:
    return ("Correct the file; transfermodel validate -f FILE tells every error at once.", "kubectl apply -f FILE")


def _less(around: Surroundings) -> tuple[str, ...]:
    lacking = around.lacking()
    part = "training" if around.training_pod_waits() else "serving"
    resources = (around.spec.get(part) or {}).get("resources") or {}
    asked = {name: value for kind in ("limits", "requests") for name, value in (resources.get(kind) or {}).items()}
    limits = {name: None for name in lacking if name in asked}
    commands = []
    if limits:
        kinds = {kind: limits for kind in ("limits", "requests") if set(resources.get(kind) or {}) & set(limits)}
        commands.append(_patch(around, {part: {"resources": kinds}}))
    columns = ",".join(
        [
            "NODE:.metadata.name",
            *(
                f"{name.upper()}:.status.allocatable.{name.replace('.', chr(92) + '.')}"
                for name in (lacking or ("cpu", "memory"))
            ),
        ]
    )
    commands.append(f"kubectl get nodes -o 'custom-columns={columns}'")
    return tuple(commands)


def _more_memory(around: Surroundings) -> tuple[str, ...]:
    limit = ((around.spec.get("training") or {}).get("resources") or {}).get("limits") or {}
    return (_patch(around, {"training": {"resources": {"limits": {"memory": more(limit.get("memory", "4Gi"))}}}}),)


def more(quantity: str | int) -> str:
    """Return at least twice an amount of memory, in whole Gi; torch alone wants one."""
    return f"{max(1, math.ceil(2 * parse_quantity(quantity) / Decimal(1024) ** 3))}Gi"


def _more_time(around: Surroundings) -> tuple[str, ...]:
    seconds = int((around.spec.get("training") or {}).get("maxDurationSeconds") or 3600)
    return (_patch(around, {"training": {"maxDurationSeconds": 2 * seconds}}),)


def _look_at_run(around: Surroundings) -> tuple[str, ...]:
    return (f"transfermodel logs {around.name} -n {around.namespace} --run", _retry(around))


def _look_at_predictor(around: Surroundings) -> tuple[str, ...]:
    return (f"transfermodel logs {around.name} -n {around.namespace} --serve",)


def _image(around: Surroundings) -> tuple[str, ...]:
    return (
        "helm upgrade transfermodel … --reuse-values --set images.trainer=… --set images.predictor=…",
        f"transfermodel doctor --cluster -n {around.namespace}",
    )


def _without_gpu(around: Surroundings) -> tuple[str, ...]:
    """Either the platform's owner has an image for GPUs, or the predictor does without."""
    resources = (around.spec.get("serving") or {}).get("resources") or {}
    named = {kind: [name for name in resources.get(kind) or {} if gpus.is_gpu(name)] for kind in ("limits", "requests")}
    asked = {kind: dict.fromkeys(found) for kind, found in named.items() if found}
    return (
        *((_patch(around, {"serving": {"resources": asked}}),) if asked else ()),
        "helm upgrade transfermodel … --reset-then-reuse-values --set images.predictorGpu=…",
    )


def _base(around: Surroundings) -> tuple[str, ...]:
    base = (around.spec.get("backbone") or {}).get("fromTransferModel")
    return (f"transfermodel describe {base} -n {around.namespace}",)


def _doctor(around: Surroundings) -> tuple[str, ...]:
    return (f"transfermodel doctor --cluster -n {around.namespace}",)


REMEDIES: Final[tuple[tuple[frozenset[Reason], Callable[[Surroundings], tuple[str, ...]]], ...]] = (
    (frozenset({Reason.SECRET_NOT_FOUND}), _secret),
    (frozenset({Reason.DATA_ACCESS_DENIED}), _wrong_credentials),
    (frozenset({Reason.OUTPUT_NOT_WRITABLE}), _output),
    (
        frozenset(
            {
                Reason.DATA_NOT_FOUND,
                Reason.DATA_INVALID,
                Reason.EMPTY_CLASS,
                Reason.TOO_FEW_CLASSES,
                Reason.CLASSES_DIFFER,
                Reason.TOO_MANY_UNREADABLE_FILES,
                Reason.UNSAFE_ARCHIVE,
            }
        ),
        _data,
    ),
    (
        frozenset(
            {
                Reason.INVALID_SPEC,
                Reason.INVALID_NAME,
                Reason.BASE_CYCLE,
                Reason.UNKNOWN_BACKBONE,
                Reason.INPUT_REQUIRED,
                Reason.WEIGHTS_UNAVAILABLE,
                Reason.WEIGHTS_MISMATCH,
            }
        ),
        _spec,
    ),
    (
        frozenset({Reason.OUTPUT_MISSING}),
        lambda around: (_patch(around, {"output": {"uri": "s3://BUCKET/models", "credentialsSecretName": "SECRET"}}),),
    ),
    (frozenset({Reason.BASE_NOT_FOUND, Reason.BASE_FAILED, Reason.WAITING_FOR_BASE}), _base),
    (frozenset({Reason.UNSCHEDULABLE}), _less),
    (
        frozenset({Reason.POD_NOT_CREATED}),
        lambda around: (f"kubectl describe resourcequota,limitrange -n {around.namespace}", *_doctor(around)),
    ),
    (
        frozenset({Reason.VOLUME_NOT_READY}),
        lambda around: (f"kubectl get persistentvolumeclaim -n {around.namespace}",),
    ),
    (frozenset({Reason.IMAGE_PULL_FAILED}), _image),
    (frozenset({Reason.OUT_OF_MEMORY}), _more_memory),
    (frozenset({Reason.DEADLINE_EXCEEDED}), _more_time),
    (frozenset({Reason.RUN_FAILED, Reason.TRAINING_DIVERGED, Reason.EXPORT_MISMATCH}), _look_at_run),
    (frozenset({Reason.PREDICTOR_FAILED, Reason.PREDICTION_FAILED}), _look_at_predictor),
    (
        frozenset({Reason.NAME_CONFLICT}),
        lambda around: (f"kubectl delete inferenceservice {around.name} -n {around.namespace}  # if nobody needs it",),
    ),
    (frozenset({Reason.GPU_NOT_USABLE}), _without_gpu),
    (
        frozenset({Reason.PRECISION_REFUSED}),
        lambda around: (_patch(around, {"serving": {"precision": "Float32"}}),),
    ),
    (frozenset({Reason.SUSPENDED}), lambda around: (_patch(around, {"suspend": False}),)),
    (
        frozenset(
            {
                Reason.STORAGE_UNAVAILABLE,
                Reason.KSERVE_NOT_INSTALLED,
                Reason.KNATIVE_NOT_INSTALLED,
                Reason.KSERVE_UNAVAILABLE,
                Reason.KNATIVE_UNAVAILABLE,
            }
        ),
        _doctor,
    ),
)
"""Of progress there is no remedy: it takes its time."""
