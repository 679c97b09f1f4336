"""A pod of the predictor's image that is told to end while it starts: it is not there until it is killed."""

import os
import signal
from pathlib import Path
from typing import Final

import obstore
from transfermodel_operator.resources.containers import SECURITY_CONTEXT, credentials

from devcluster.images import project
from tests.support.colours import write_artifact
from tests.support.specs import Manifest
from tests.support.stack import Workspace
from tests.support.waiting import wait_for

NAME: Final = "brief"
PROC: Final = Path("/proc")


def upload_artifact(workspace: Workspace, folder: Path) -> tuple[str, str]:
    """Store a model; return its URI and its digest."""
    digest = write_artifact(folder)
    for path in folder.iterdir():
        obstore.put(workspace.stack.store("models"), f"{workspace.namespace}/{path.name}", path.read_bytes())
    return f"s3://models/{workspace.namespace}", digest


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


def processes_of(pod: str) -> dict[int, tuple[str, int]]:
    """Return the processes of a pod, whose node is this machine: id -> program, id in its container; pod: its uid."""
    found = {}
    for folder in PROC.glob("[0-9]*"):
        try:
            if pod in (folder / "cgroup").read_text():
                program = (folder / "comm").read_text().strip()
                status = (folder / "status").read_text()
                inside = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[-1]
                found[int(folder.name)] = program, int(inside)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
    return found


def parent_of(process: int) -> int:
    """Return the id of the process that started another."""
    status = (PROC / str(process) / "status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))


def first_process(pod: str) -> int | None:
    """Return the id of the predictor's process 1, once Python runs there."""
    for process, (program, inside) in processes_of(pod).items():
        if program == "python":
            return process if inside == 1 else parent_of(process)
    return None


def test_a_predictor_told_to_end_before_it_can_listen_ends(workspace: Workspace, tmp_path: Path) -> None:
    uri, digest = upload_artifact(workspace, tmp_path / "artifact")
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
