"""GPUs for predictors: who asks for one, which image uses it, and when one would be held in vain."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from transfermodel_operator.api.spec import Serving
from transfermodel_operator.observed import Manifest
from transfermodel_operator.resources import containers, names
from transfermodel_operator.resources.quantities import parse_quantity
from transfermodel_operator.resources.revision_settings import resources
from transfermodel_operator.versions import Version

IMAGE: Final = "gpuImage"
"""What a version remembers under this key: the image of its predictors that have a GPU."""
CUDA: Final = (containers.GPU, "nvidia.com/mig-")
"""How resources begin that CUDA computes on: whole GPUs, shared ones (nvidia.com/gpu.shared) and slices."""

Amounts = Mapping[str, Mapping[str, str]]


def asked_for(amounts: Amounts) -> list[str]:
    """Return the names of the GPUs that a container's resources ask for, whoever made them."""
    limits = amounts.get("limits", {})
    return sorted(name for name, amount in limits.items() if is_gpu(name) and parse_quantity(amount) > 0)


def is_gpu(name: str) -> bool:
    """Tell whether a resource is a GPU, or a part of one."""
    return name.startswith(CUDA) or name.endswith(containers.GPU_SUFFIX)


def with_image(version: Version, image: str | None) -> Version:
    """Return a version that knows an image for GPUs.

    Its own, where it remembers one, so that an upgrade starts no pod; else the one of today: nobody has to train again
    because there was none on that day.
    """
    if image is None or IMAGE in version.predictor:
        return version
    return replace(version, predictor=version.predictor | {IMAGE: image})


def image(version: Version, amounts: Amounts) -> str:
    """Return the image of a version's predictors with these resources."""
    return str(version.predictor[IMAGE] if _uses_cuda(version, amounts) else version.predictor["image"])


def environment(version: Version, amounts: Amounts) -> list[dict[str, str]]:
    """Return what tells the predictor that it has a GPU; nothing is said where it has none."""
    return [{"name": "TRANSFERMODEL_DEVICE", "value": "cuda"}] if _uses_cuda(version, amounts) else []


def _uses_cuda(version: Version, amounts: Amounts) -> bool:
    return IMAGE in version.predictor and any(name.startswith(CUDA) for name in asked_for(amounts))


def refusal(version: Version, serving: Serving) -> str | None:
    """Return why a GPU would be held and not used, and what to do, as sentences; None: it would not."""
    asked = asked_for(resources(version, serving))
    if not asked:
        return None
    what = f"Its predictor's resources ask for {', '.join(asked)}"
    remedy = "take it out of spec.serving.resources to serve on the processor"
    if foreign := [name for name in asked if not name.startswith(CUDA)]:
        return f"{what}, and predictors cannot use {', '.join(foreign)}. Ask for {containers.GPU}, or {remedy}"
    if serving.precision == "Int8":
        return f"{what}, and only processors compute 8-bit integers. Set spec.serving.precision to Float32, or {remedy}"
    if IMAGE not in version.predictor:
        return (
            f"{what}, and this installation has no image for predictors with a GPU. Have the platform's owner set "
            f"images.predictorGpu of the chart, or {remedy}"
        )
    return None


def deadlock(candidate: Manifest, all_pods: tuple[Manifest, ...]) -> str:
    """Return what to do about a revision that waits for a GPU which a former one's pods have; empty: it does not.

    The former one serves until the new one is ready, so neither moves. Returned are sentences that begin with a space.
    """
    spec = (candidate.get("spec") or {}).get("containers") or []
    wanted = {name for container in spec for name in asked_for(container.get("resources") or {})}
    name = candidate["metadata"]["name"]
    placed = [pod for pod in all_pods if (pod.get("spec") or {}).get("nodeName") and _revision(pod)]
    if not wanted or any(_revision(pod) == name for pod in placed):
        return ""
    held = sum(1 for pod in placed if wanted & _gpus_of(pod))
    if not held:
        return ""
    metadata = candidate["metadata"]
    service, namespace = metadata["labels"][names.INFERENCE_SERVICE_LABEL], metadata["namespace"]
    holders = "A pod of the revision that serves has" if held == 1 else f"{held} pods of former revisions have"
    return (
        f" {holders} {', '.join(sorted(wanted))} until this one is ready, so neither moves. Add a node that has a free "
        "one for as long as that takes; or let the former one go: without requests it scales to its minReplicas, and "
        f"`kubectl delete inferenceservice {service} -n {namespace}` ends it at once. The new one is then deployed by "
        "itself, and nothing answers until it is ready."
    )


def _revision(pod: Manifest) -> Any:
    return (pod["metadata"].get("labels") or {}).get(names.REVISION_LABEL)


def _gpus_of(pod: Manifest) -> set[str]:
    """Return the GPUs that a pod has; one that has ended has given them back."""
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return set()
    return {
        name
        for container in pod["spec"].get("containers") or []
        for name in asked_for(container.get("resources") or {})
    }
