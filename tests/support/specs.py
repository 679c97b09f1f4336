"""What the tests ask for: specs and requests."""

import base64
from typing import Any

Manifest = dict[str, Any]


def instances_of(images: list[bytes]) -> Manifest:
    """Return the body of a V1 request."""
    return {"instances": [{"image": {"b64": base64.b64encode(image).decode()}} for image in images]}


def quick_spec(train: str, test: str | None = None, **overrides: Any) -> Manifest:
    """Return a spec that trains in seconds: a small network from scratch for two epochs, at 32 pixels."""
    data: Manifest = {"train": {"uri": train}, "credentialsSecretName": "s3"}
    if test:
        data["test"] = {"uri": test}
    spec: Manifest = {
        "task": "ImageClassification",
        "backbone": {"name": "torchvision/resnet18", "weights": {"scratch": True}, "input": {"size": 32}},
        "data": data,
        "training": {
            "strategy": "FineTuning",
            "fineTuning": {"unfreeze": "All", "epochs": 2, "learningRate": "3e-3", "batchSize": 16},
        },
        "output": {"uri": "s3://models", "credentialsSecretName": "s3"},
    }
    return spec | overrides
