"""The project's images for a cluster that is not ours: built with the tool at hand and pushed to a registry."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping

import yaml

from devcluster import paths
from devcluster.errors import DevclusterError, PrerequisiteError
from devcluster.images import project
from devcluster.images.command import run
from devcluster.report import step

CHART = paths.REPOSITORY / "charts" / "transfermodel" / "Chart.yaml"


def references(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Target -> image in $IMAGE_REGISTRY, tagged with $IMAGE_TAG or else the chart's version of the application.

    Raises:
        PrerequisiteError: no registry is named.
    """
    registry = environment.get("IMAGE_REGISTRY", "").rstrip("/")
    if not registry:
        raise PrerequisiteError(
            "CLUSTER=existing: set IMAGE_REGISTRY to a registry that you may push to and the cluster may pull from, "
            "such as registry.example.com/team"
        )
    tag = environment.get("IMAGE_TAG") or yaml.safe_load(CHART.read_text())["appVersion"]
    return {target: f"{registry}/{project.repository(target)}:{tag}" for target in project.targets(environment)}


def build_and_push(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Build the images and push them.

    Returns:
        Target -> image reference.

    Raises:
        DevclusterError: no registry is named, no tool is there, or one of its commands failed.
    """
    wanted = references(environment)
    build, push = _tool()
    for target, reference in wanted.items():
        with step(f"image {target}: build {reference}"):
            run(build(target, reference))
        with step(f"image {target}: push"):
            run(push(reference))
    return wanted


def _tool() -> tuple[Callable[[str, str], list[str]], Callable[[str], list[str]]]:
    """Commands that build and push: docker's when its server answers, else buildah's, which needs no server."""
    root = str(paths.REPOSITORY)
    if shutil.which("docker"):
        asked = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"], capture_output=True, check=False
        )
        if asked.returncode == 0:
            build = ["docker", "build", *project.index_arguments()]
            return (
                lambda target, reference: [*build, "--target", target, "--tag", reference, root],
                lambda reference: ["docker", "push", reference],
            )
    if shutil.which("buildah"):
        return (
            lambda target, reference: [
                *("buildah", "build", "--quiet", "--format", "docker"),
                *project.build_options(target, reference),
            ],
            lambda reference: ["buildah", "push", "--quiet", reference],
        )
    raise DevclusterError("neither a docker server nor buildah is here: install one of them to build the images")
