"""Knative Serving: the shipped manifests, made to fit one small machine without a registry."""

from pathlib import Path

from devcluster.addons.manifests import (
    Manifest,
    read,
    with_data,
    with_images,
    with_local_images_only,
    with_quick_probes,
    with_release,
    with_small_requests,
    without,
    without_aggregated_rules,
)
from devcluster.images import catalog

INGRESS_CLASS = "kourier.ingress.networking.knative.dev"


def manifests(
    serving: Path, networking: Path, caching: Path, *, domain: str, release: str, window: str, grace_period: str
) -> list[Manifest]:
    """Everything of Knative Serving.

    Args:
        serving: folder of the module knative.dev/serving.
        networking: folder of knative.dev/networking: serving's links to its CRDs are lost in a module archive.
        caching: folder of knative.dev/caching, for the same reason.
        domain: last part of every service's host name.
        release: Knative's release, for the version labels.
        window: how long a revision must be idle before it is scaled down, as `6s`.
        grace_period: how long the last pod may stay after that, as `6s`.
    """
    shipped = read(serving / "config" / "core", networking / "config", caching / "config")
    # No metrics server runs here, and one node has no room for a second replica.
    kept = without(shipped, kinds={"HorizontalPodAutoscaler", "PodDisruptionBudget"})
    kept = with_images(
        kept, {f"ko://knative.dev/serving/cmd/{program}": image for program, image in catalog.KNATIVE.items()}
    )
    kept = without_aggregated_rules(with_release(kept, release))
    kept = with_local_images_only(with_quick_probes(with_small_requests(kept, more_cpu={"activator": "100m"})))
    kept = with_data(
        kept,
        "knative-serving/config-network",
        {
            "ingress-class": INGRESS_CLASS,
            # There is no mesh. Left to find out, the activator takes two pods that start together for one now and then,
            # and asks the Service for good: its connection stays with one pod, which then cannot end while it is used.
            "mesh-compatibility-mode": "disabled",
        },
    )
    kept = with_data(kept, "knative-serving/config-domain", {domain: ""})
    kept = with_data(
        kept,
        "knative-serving/config-autoscaler",
        {"stable-window": window, "scale-to-zero-grace-period": grace_period},
    )
    return with_data(
        kept,
        "knative-serving/config-deployment",
        {
            # An image that is not there or a pod that cannot start is known here in seconds; the default is 10 minutes.
            "progress-deadline": "120s",
        },
    )
