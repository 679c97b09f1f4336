"""Predictions through the ingress, in both protocols, for samples of any kind."""

import base64
from typing import Any

import httpx

from tests.support.specs import Manifest
from tests.support.stack import Workspace


def instance(modality: str, sample: bytes) -> Manifest:
    """Return a sample as version 1 takes it; modality: image, text or audio."""
    return {modality: sample.decode() if modality == "text" else {"b64": base64.b64encode(sample).decode()}}


def tensor(modality: str, samples: list[bytes]) -> Manifest:
    """Return samples as version 2 takes them in JSON."""
    data = [sample.decode() if modality == "text" else base64.b64encode(sample).decode() for sample in samples]
    return {"name": modality, "datatype": "BYTES", "shape": [len(data)], "data": data}


def labels_v1(workspace: Workspace, name: str, modality: str, samples: list[bytes]) -> list[str]:
    """Return the labels that version 1 answers with."""
    body = {"instances": [instance(modality, sample) for sample in samples]}
    return [
        str(prediction["label"])
        for prediction in _post(workspace, name, f"/v1/models/{name}:predict", body)["predictions"]
    ]


def labels_v2(workspace: Workspace, name: str, modality: str, samples: list[bytes]) -> list[str]:
    """Return the labels that the Open Inference Protocol, version 2, answers with."""
    answer = _post(workspace, name, f"/v2/models/{name}/infer", {"inputs": [tensor(modality, samples)]})
    (labels,) = (output["data"] for output in answer["outputs"] if output["name"] == "label")
    return [str(label) for label in labels]


def refusal(workspace: Workspace, name: str, body: Manifest) -> str:
    """Return what is said about a wrong request of version 1."""
    response = _send(workspace, name, f"/v1/models/{name}:predict", body)
    assert 400 <= response.status_code < 500, f"{response.status_code} {response.text}"
    return str(response.json()["error"])


def _post(workspace: Workspace, name: str, path: str, body: Manifest) -> dict[str, Any]:
    response = _send(workspace, name, path, body)
    assert response.status_code == 200, f"{path}: {response.status_code} {response.text}"
    return dict(response.json())


def _send(workspace: Workspace, name: str, path: str, body: Manifest) -> httpx.Response:
    _, headers = workspace.endpoint(name)
    return httpx.post(f"{workspace.stack.ingress}{path}", json=body, headers=headers, timeout=60)
