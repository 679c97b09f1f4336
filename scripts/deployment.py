"""`python -m scripts.deployment [HELM ARGUMENT…]`: install or upgrade the operator and wait until it is available."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from devcluster import golang
from devcluster.errors import DevclusterError
from devcluster.images import project
from devcluster.info import info

REPOSITORY = Path(__file__).parents[1]
CHART = REPOSITORY / "charts" / "transfermodel"
RELEASE = "transfermodel"
NAMESPACE = "transfermodel-system"
DEPLOYMENT = "transfermodel-operator"
TIMEOUT = "180s"


@dataclass(frozen=True)
class Target:
    """Where to install, and with what values of the chart."""

    kubeconfig: str
    helm: str
    kubectl: str
    values: dict[str, Any]

    def run(self, *command: str, stdin: str | None = None, check: bool = True) -> str:
        """Run helm or kubectl against the cluster.

        Raises:
            DevclusterError: It failed; with what it said.
        """
        environment = os.environ | {"KUBECONFIG": self.kubeconfig}
        done = subprocess.run(command, input=stdin, env=environment, capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            raise DevclusterError((done.stderr or done.stdout).strip())
        return done.stdout if check else done.stdout + done.stderr


def devcluster() -> Target:
    """Describe the devcluster: its images, its ingress, its S3 server."""
    found = info()
    values = {
        "images": project.chart_values(found["images"]),
        "ingress": {"port": found["ingressPort"]},
        "output": {"uri": "s3://models", "credentialsSecretName": "s3"},
        # As the devcluster's Knative: what cannot start is known in minutes.
        "serving": {"progressDeadlineSeconds": 120},
        # One node of maybe two processors: a run that waits for a Secret keeps its share of them from all others.
        "resources": {"trainer": {"requests": {"cpu": "250m"}}},
    }
    helm = golang.build("helm") / "helm"
    return Target(found["kubeconfig"], str(helm), found["kubectl"], values)


def existing() -> Target:
    """Describe the cluster of $KUBECONFIG, which only its owner can: by environment variables.

    Raises:
        DevclusterError: Something is not set or not installed.
    """
    kubeconfig, registry = os.environ.get("KUBECONFIG"), os.environ.get("IMAGE_REGISTRY")
    if not kubeconfig:
        raise DevclusterError("CLUSTER=existing: set KUBECONFIG to the cluster's kubeconfig")
    if not registry:
        raise DevclusterError(
            "CLUSTER=existing: set IMAGE_REGISTRY to where the images are, such as registry.example.com/team; "
            "build them with `docker build --target operator -t $IMAGE_REGISTRY/transfermodel-operator:$IMAGE_TAG .`, "
            "likewise trainer and predictor, and push them"
        )
    kubectl, helm = shutil.which("kubectl"), shutil.which("helm")
    if not kubectl:
        raise DevclusterError("CLUSTER=existing: kubectl is not on PATH; install it first")
    tag = os.environ.get("IMAGE_TAG") or yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    values: dict[str, Any] = {
        "images": project.chart_values(
            {target: f"{registry.rstrip('/')}/{project.repository(target)}:{tag}" for target in project.targets()}
        )
    }
    if uri := os.environ.get("OUTPUT_URI"):
        values["output"] = {"uri": uri, "credentialsSecretName": os.environ.get("OUTPUT_SECRET") or "s3"}
    if port := urlsplit(os.environ.get("TRANSFERMODEL_INGRESS", "")).port:
        values["ingress"] = {"port": port}
    return Target(kubeconfig, helm or str(golang.build("helm") / "helm"), kubectl, values)


def install(target: Target, arguments: list[str]) -> None:
    """Install or upgrade, and wait.

    Raises:
        DevclusterError: helm refused, or the operator did not become available; with what to look at.
    """
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
    }
    manager = ("--server-side", "--field-manager=transfermodel-deploy")
    target.run(target.kubectl, "apply", *manager, "--filename", "-", stdin=json.dumps(namespace))
    command = [target.helm, "upgrade", RELEASE, str(CHART), "--install", "--namespace", NAMESPACE, "--values", "-"]
    try:
        print(target.run(*command, "--wait", "--timeout", TIMEOUT, *arguments, stdin=json.dumps(target.values)))
    except DevclusterError as error:
        if "another operation" in str(error):
            raise DevclusterError(
                f"{error}; another helm is at work on the release {RELEASE}, or was killed: wait for it, or undo what "
                f"it left with `helm rollback {RELEASE} -n {NAMESPACE}` (`helm uninstall` after a first installation)"
            ) from error
        selector = ("--namespace", NAMESPACE, "--selector", "app.kubernetes.io/component=operator")
        seen = [
            target.run(target.kubectl, *words, check=False)
            for words in (
                ("get", "pods", *selector, "--output", "wide"),
                ("get", "events", "--namespace", NAMESPACE, "--sort-by", ".lastTimestamp"),
                ("logs", *selector, "--tail", "30"),
            )
        ]
        raise DevclusterError("\n".join([str(error), *seen])) from error


def main(arguments: list[str]) -> int:
    """Install, and say what went wrong if it did."""
    try:
        target = existing() if os.environ.get("CLUSTER") == "existing" else devcluster()
        # Two at a time would get in each other's way: helm refuses the second.
        with (Path(tempfile.gettempdir()) / "transfermodel-deploy.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            install(target, arguments)
    except DevclusterError as error:
        print(f"deploy: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
