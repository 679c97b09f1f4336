"""InferenceServices that sleep: ours as the operator writes it, and the baseline's with the same resources."""

import copy
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from tests.bench.serving.baseline_image import WEIGHTS
from tests.bench.serving.material import CLASSES, SIZE
from tests.support import datasets
from tests.support.specs import Manifest, quick_spec
from tests.support.stack import Workspace
from tests.support.waiting import wait_for

READY_SECONDS: Final = 600
ZERO_SECONDS: Final = 300
DRAIN_SECONDS: Final = 30
"""That Knative's proxy goes on after a pod was told to end."""
WAKE_SECONDS: Final = 10
"""A wake takes no longer."""
SETTLING_SECONDS: Final = 2
OWN: Final = "transferlearning.dev/"
RESOURCES: Final = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "2Gi"}}
"""Our defaults, but for the limit of memory, which is that of KServe's page: 1 GiB would kill the baseline."""


@dataclass(frozen=True)
class Sleeper:
    """One InferenceService."""

    side: str
    name: str
    host: str
    """By which the ingress knows it."""

    @property
    def path(self) -> str:
        """Where it takes predictions."""
        return f"/v1/models/{self.name}:predict"


def train(workspace: Workspace, architecture: str) -> Manifest:
    """Let the operator train and serve a network at the usual size, and return its InferenceService."""
    name = architecture
    spec = quick_spec(workspace.upload("train", datasets.folder(per_class=8)))
    weights = {"scratch": True}  # as fast as any others
    spec["backbone"] = {"name": f"torchvision/{architecture}", "weights": weights, "input": {"size": SIZE}}
    spec["training"]["fineTuning"]["epochs"] = 1
    spec["serving"] = {"minReplicas": 0, "resources": RESOURCES}
    workspace.apply(name, spec)
    workspace.wait_ready(name, timeout_seconds=READY_SECONDS)
    return workspace.inference_service(name)


def like(service: Manifest, name: str) -> Manifest:
    """Return the same InferenceService under another name, which the operator does not know: many from one training."""
    predictor = copy.deepcopy(service["spec"]["predictor"])
    predictor.pop("canaryTrafficPercent", None)
    (container,) = predictor["containers"]
    for variable in container["env"]:
        if variable["name"] == "TRANSFERMODEL_MODEL_NAME":
            variable["value"] = name
    return _manifest(service, name, predictor)


def baseline(service: Manifest, name: str, image: str, architecture: str) -> Manifest:
    """Return the baseline as KServe's documentation deploys it, with the resources and the limits of ours.

    Besides, it has what a namespace with restricted pods asks for, and no more: it may write where it likes.
    """
    predictor = copy.deepcopy(service["spec"]["predictor"])
    predictor.pop("canaryTrafficPercent", None)
    (container,) = predictor["containers"]
    own = ["--workers=1", "--http_port=8080", f"--model_name={name}"]
    own += [f"--architecture={architecture}", f"--weights={WEIGHTS}/{architecture}.pth", f"--classes={CLASSES}"]
    predictor["containers"] = [
        {
            "name": "kserve-container",
            "image": image,
            "imagePullPolicy": "IfNotPresent",
            "args": own,
            "resources": container["resources"],
            "securityContext": container["securityContext"] | {"readOnlyRootFilesystem": False},
        }
    ]
    return _manifest(service, name, predictor)


def _manifest(service: Manifest, name: str, predictor: dict[str, Any]) -> Manifest:
    metadata = service["metadata"]
    annotations = {key: value for key, value in metadata["annotations"].items() if not key.startswith(OWN)}
    return {
        "apiVersion": service["apiVersion"],
        "kind": service["kind"],
        "metadata": {"name": name, "namespace": metadata["namespace"], "annotations": annotations},
        "spec": {"predictor": predictor},
    }


def create(workspace: Workspace, side: str, manifest: Manifest) -> Sleeper:
    """Create it, and wait until it was ready once: its first pod has been there."""
    name = manifest["metadata"]["name"]
    workspace.stack.kubectl("create", "-f", "-", stdin=json.dumps(manifest))
    status = wait_for(
        lambda: _ready(workspace, name),
        timeout_seconds=READY_SECONDS,
        what=f"InferenceService {name} ready",
        explain=lambda: workspace.stack.kubectl("describe", "isvc,pods", "-n", workspace.namespace, check=False)[
            -4000:
        ],
    )
    assert status is not None
    return Sleeper(side, name, urlsplit(status["url"]).netloc)


def _ready(workspace: Workspace, name: str) -> Manifest | None:
    status = workspace.inference_service(name).get("status") or {}
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", []))
    return status if ready and status.get("url") else None


def wait_asleep(workspace: Workspace, names: list[str], sleeper: str | None = None) -> None:
    """Wait until no pod of these is left, not even one that ends; where one is going to be woken, until it has none.

    The others' may then be draining: Knative's proxy goes on for half a minute, in which they do nothing. None of them
    ends while the sleeper wakes, as that would take a processor from it.
    """

    def awake() -> list[str]:
        pods = workspace.pods(f"serving.kserve.io/inferenceservice in ({','.join(names)})")
        now = datetime.now(UTC)
        return [
            pod["metadata"]["name"]
            for pod in pods
            if sleeper in (None, pod["metadata"]["labels"]["serving.kserve.io/inferenceservice"])
            or not drains_on(pod, now)
        ]

    wait_for(
        lambda: not awake(),
        timeout_seconds=ZERO_SECONDS,
        interval_seconds=0.5,
        what="zero pods",
        explain=lambda: f"there are {', '.join(awake())}",
    )


def drains_on(pod: Manifest, now: datetime) -> bool:
    """Tell whether a pod was told to end, has settled since, and will not have ended when a wake is over."""
    metadata = pod["metadata"]
    if "deletionTimestamp" not in metadata:
        return False
    told = datetime.fromisoformat(metadata["deletionTimestamp"]) - timedelta(
        seconds=metadata["deletionGracePeriodSeconds"]
    )
    return SETTLING_SECONDS <= (now - told).total_seconds() <= DRAIN_SECONDS - WAKE_SECONDS
