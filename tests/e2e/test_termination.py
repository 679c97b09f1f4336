"""A pod of the predictor's image that is told to end while it starts: it is not there until it is killed."""

import os
import signal
from pathlib import Path
from typing import Final

from transfermodel_operator.resources.containers import SECURITY_CONTEXT, credentials

from devcluster.images import project
from tests.support.colours import write_artifact
from tests.support.specs import Manifest
from tests.support.stack import Workspace
from tests.support.waiting import wait_for

NAME: Final = "brief"
PROC: Final = Path("/proc")


def predictor_pod(uri: str, digest: str) -> Manifest:
    """Return a pod that serves a model without Knative: nothing but the image decides how it ends."""
    environment = {"MODEL_NAME": NAME, "ARTIFACT_URI": uri, "ARTIFACT_DIGEST": digest, "VERSION": "v1"}
    return {
        "metadata": {"name": NAME},
        "spec": {
            "automountServiceAccountToken": False,
            "restartPolicy": "Never",
            "containers": [
                {
                    "name": "predictor",
                    "image": project.references()["predictor"],
                    "imagePullPolicy": "Never",
                    "env": [
                        *({"name": f"TRANSFERMODEL_{key}", "value": value} for key, value in environment.items()),
                        *credentials("s3", [uri]),
                    ],
                    "securityContext": dict(SECURITY_CONTEXT),
                }
            ],
        },
    }


def processes_of(pod: str) -> dict[int, str]:
    """Return the processes of a pod, whose node is this machine: id -> program; pod: its uid."""
    found = {}
    for folder in PROC.glob("[0-9]*"):
        try:
            if pod in (folder / "cgroup").read_text():
                found[int(folder.name)] = (folder / "comm").read_text().strip()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
    return found


def first_process(pod: str) -> int | None:
    """Return the id of the predictor's process 1, once Python runs there: Python itself, or what has started it."""
    processes = processes_of(pod)
    for process, program in processes.items():
        if program == "python":
            status = (PROC / str(process) / "status").read_text()
            parent = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))
            return parent if parent in processes else process
    return None


def test_a_predictor_told_to_end_before_it_can_listen_ends(workspace: Workspace, tmp_path: Path) -> None:
    digest = write_artifact(tmp_path)
    uri = workspace.upload("model", {path.name: path.read_bytes() for path in tmp_path.iterdir()})
    created = workspace.stack.core.create_namespaced_pod(workspace.namespace, predictor_pod(uri, digest))
    pod = str(created.metadata.uid)
    first = wait_for(
        lambda: first_process(pod),
        timeout_seconds=60,
        what="Python starts",
        explain=lambda: workspace.stack.kubectl("describe", "pods", "-n", workspace.namespace),
        interval_seconds=0.001,
    )
    # As the container runtime does. Python itself will have a handler in some 50 ms.
    assert first is not None
    os.kill(first, signal.SIGTERM)
    wait_for(
        lambda: workspace.pods()[0]["status"]["phase"] in ("Succeeded", "Failed"),
        timeout_seconds=20,
        what="the pod has ended",
        explain=lambda: str(processes_of(pod)),
    )
