"""The chart as helm makes it."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from devcluster import golang, versions

Manifest = dict[str, Any]

CHART = Path(__file__).parents[2] / "charts" / "transfermodel"
RELEASE = "transfermodel"
NAMESPACE = "transfermodel-system"


class HelmFailed(Exception):
    """helm refused; with what it said."""


def helm(*arguments: str, values: Manifest | None = None, kubeconfig: Path | None = None) -> str:
    """Run helm, with the values on its standard input, and return what it printed, warnings included.

    Raises:
        HelmFailed: it exited with another status than 0.
    """
    environment = os.environ | {"KUBECONFIG": str(kubeconfig or os.devnull)}
    command = [str(golang.build("helm") / "helm"), *arguments]
    if values is not None:
        command += ["--values", "-"]
    done = subprocess.run(
        command,
        input=json.dumps(values or {}),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode != 0:
        raise HelmFailed(done.stderr)
    return done.stdout + done.stderr


def rendered(values: Manifest | None = None, *arguments: str, release: str = RELEASE) -> list[Manifest]:
    """Return the chart's objects, hooks included."""
    command = ["template", release, str(CHART), "--namespace", NAMESPACE, "--kube-version", versions.KUBERNETES]
    text = helm(*command, *arguments, values=values or {})
    return [item for item in yaml.safe_load_all(text) if item]


def one(objects: list[Manifest], kind: str, name: str | None = None) -> Manifest:
    """Return the only object of a kind (and name)."""
    (found,) = [item for item in objects if item["kind"] == kind and name in (None, item["metadata"]["name"])]
    return found


def settings(objects: list[Manifest]) -> str:
    """Return the operator's settings, as its container gets them."""
    (container,) = one(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    (value,) = [entry["value"] for entry in container["env"] if entry["name"] == "TRANSFERMODEL_OPERATOR_SETTINGS"]
    return str(value)
