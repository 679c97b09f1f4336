"""The smallest useful TransferModel, and changes to it."""

import uuid
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from tests.support.api_server import Manifest

Change = Callable[[Manifest], object]


def transfer_model(change: Change = lambda spec: None, name: str | None = None) -> Manifest:
    """Return the smallest useful TransferModel, changed."""
    spec: Manifest = {
        "task": "ImageClassification",
        "backbone": {"name": "torchvision/resnet18", "weights": {"name": "DEFAULT"}},
        "data": {"train": {"uri": "s3://datasets/train"}},
    }
    spec = deepcopy(spec)
    change(spec)
    return {
        "apiVersion": "transferlearning.dev/v1alpha1",
        "kind": "TransferModel",
        "metadata": {"name": name or f"model-{uuid.uuid4().hex[:8]}", "namespace": "default"},
        "spec": spec,
    }


def put(path: str, value: Any) -> Change:
    """Return a change that sets one field, such as data.train.uri."""

    def change(spec: Manifest) -> None:
        *parents, last = path.split(".")
        node = spec
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = deepcopy(value)  # a later change reaches into it

    return change


def together(*changes: Change) -> Change:
    """Return a change that makes several."""

    def change(spec: Manifest) -> None:
        for each in changes:
            each(spec)

    return change


WINDOW = {"schedule": "0 8 * * 1-5", "durationSeconds": 36000, "replicas": 1}


def warm(**fields: Any) -> Change:
    """Return a change that sets one warm window."""
    return put("serving.warm", [WINDOW | fields])


SCRATCH = put("backbone", {"name": "torchvision/resnet18", "weights": {"scratch": True}, "input": {"size": 32}})
TUNE_ALL = put("training", {"strategy": "FineTuning", "fineTuning": {"unfreeze": "All"}})
ENCODER = {
    "name": "sentence-transformers/all-MiniLM-L6-v2",
    "weights": {"uri": "s3://weights/all-MiniLM-L6-v2"},
}
TEXT = together(put("task", "TextClassification"), put("backbone", ENCODER))
AUDIO = put("task", "AudioClassification")
GPU = {"limits": {"nvidia.com/gpu": 1}}
