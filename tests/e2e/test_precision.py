"""A search of heads, its best model in 8-bit integers behind the ingress, and what it answers there."""

import json
from typing import Any

import httpx
import obstore
import pytest

from tests.support import datasets, untrained
from tests.support.asking import labels_v2
from tests.support.specs import Manifest, quick_spec
from tests.support.stack import Workspace

NAME = "colours"
TRIALS = 4
PICTURE = datasets.picture("green", 900)


@pytest.fixture(scope="module")
def served(shared_workspace: Workspace) -> tuple[Workspace, Manifest]:
    """A model that asks for both; its namespace, and its status when it is Ready."""
    workspace = shared_workspace
    weights = workspace.upload("searched-weights", {"random.safetensors": untrained.resnet18()})
    spec = quick_spec(
        workspace.upload("searched", datasets.folder(per_class=16)),
        workspace.upload("searched-test", datasets.folder(per_class=10, first=100)),
        backbone={
            "name": "torchvision/resnet18",
            "weights": {"uri": f"{weights}/random.safetensors"},
            "input": {"size": 32},
        },
        training={"strategy": "FeatureExtraction", "search": {"trials": TRIALS, "maxParallel": 2}},
        serving={"precision": "Int8"},
    )
    workspace.apply(NAME, spec)
    return workspace, workspace.wait_ready(NAME)


def stored(workspace: Workspace, name: str) -> dict[str, Any]:
    """Return a JSON file of the artifact."""
    (key,) = (key for key in workspace.artifacts(NAME) if key.endswith(f"/{name}"))
    return dict(json.loads(bytes(obstore.get(workspace.stack.store("models"), key).bytes())))


def ask(workspace: Workspace, method: str, path: str, **named: Any) -> httpx.Response:
    """Ask through the ingress."""
    _, headers = workspace.endpoint(NAME)
    return httpx.request(
        method, f"{workspace.stack.ingress}{path}", headers=headers | named.pop("headers", {}), timeout=60, **named
    )


def test_every_trial_is_told(served: tuple[Workspace, Manifest]) -> None:
    workspace, _ = served
    search = stored(workspace, "metrics.json")["search"]
    assert len(search["trials"]) == TRIALS
    assert all(trial["state"] in ("Complete", "Pruned") for trial in search["trials"])


def test_integers_serve_and_the_version_tells_how_well(served: tuple[Workspace, Manifest]) -> None:
    workspace, status = served
    (version,) = status["versions"]
    assert float(version["int8"]["accuracy"]) >= float(version["int8"]["float32Accuracy"]) - 0.005
    described = ask(workspace, "GET", f"/v2/models/{NAME}").json()
    assert described["parameters"]["precision"] == "Int8"
    assert labels_v2(workspace, NAME, "image", [PICTURE]) == ["green"]


def test_precision_is_edited_without_training(served: tuple[Workspace, Manifest]) -> None:
    workspace, before = served
    workspace.patch(NAME, {"spec": {"serving": {"precision": "Float32"}}})
    after = workspace.wait_ready(NAME)
    assert [version["name"] for version in after["versions"]] == [version["name"] for version in before["versions"]]
    assert ask(workspace, "GET", f"/v2/models/{NAME}").json()["parameters"]["precision"] == "Float32"


def test_a_file_as_it_is_and_why(served: tuple[Workspace, Manifest]) -> None:
    workspace, _ = served
    named = {"Content-Type": "image/png", "X-Request-Id": "e2e-1"}
    answer = ask(workspace, "POST", f"/v1/models/{NAME}:predict?top_k=1", content=PICTURE, headers=named)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-request-id"] == "e2e-1"
    assert list(answer.json()["predictions"][0]["probabilities"]) == ["green"]
    explained = ask(workspace, "POST", f"/v1/models/{NAME}:explain", content=PICTURE, headers=named)
    assert explained.status_code == 200, explained.text
    assert explained.json()["explanations"][0]["label"] == "green"
    assert "text/html" in ask(workspace, "GET", "/docs").headers["content-type"]
