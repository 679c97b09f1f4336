"""The TransferModel that would make this model again, as YAML."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from transfermodel_operator.api import RunRequest
from transfermodel_operator.api.meta import API_VERSION, KIND
from transfermodel_operator.api.spec import DataSource, FineTuning
from transfermodel_operator.api.spec.training import ALIKE

PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./:@+-]*[A-Za-z0-9_/]|[A-Za-z]")
"""Strings that YAML takes for nothing but a string, but for the words below."""
WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def document(request: RunRequest) -> dict[str, Any]:
    """Return the TransferModel of the run: all that decides what is learned; where it ran and was stored does not."""
    training: dict[str, Any] = {"strategy": request.training.strategy, "seed": request.training.seed}
    tuning, search = request.training.fine_tuning, request.training.search
    if search is not None:  # it varies what is not said
        if tuning is not None:
            fixed = request.training.fixed or ()
            training["fineTuning"] = {key: value for key, value in tuning.to_wire().items() if key in fixed}
        # How many trials ran at a time made no difference, unless there were many.
        alike = search.max_parallel <= ALIKE
        training["search"] = {
            key: value for key, value in search.to_wire().items() if key != "maxParallel" or not alike
        }
    elif request.training.strategy == "FineTuning":
        training["fineTuning"] = (tuning or FineTuning()).to_wire()
    elif tuning is not None:  # Auto chooses by the data where nothing is said
        training["fineTuning"] = tuning.to_wire()
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": request.name, "namespace": request.namespace},
        "spec": {"task": request.task, "backbone": _backbone(request), "data": _data(request), "training": training},
    }


def _backbone(request: RunRequest) -> dict[str, Any]:
    backbone = request.backbone.to_wire()
    if request.backbone.base is not None:
        del backbone["base"]
        return {"fromTransferModel": request.backbone.base.transfer_model, **backbone}
    weights = request.backbone.weights
    if weights is not None and weights.uri is not None:
        backbone["weights"] = {"uri": without_password(weights.uri)}
    return backbone


def _data(request: RunRequest) -> dict[str, Any]:
    data = request.data.to_wire()
    for role, value in data.items():
        if isinstance(getattr(request.data, role, None), DataSource) and isinstance(value, dict):
            value["uri"] = without_password(value["uri"])
    if request.data.validation is not None or request.training.strategy == "FeatureExtraction":
        # With a validation set of its own, or nothing to choose by one, no part is held out.
        data.pop("validationFraction", None)
    return data


def without_password(uri: str) -> str:
    """Return a URI without the user and password that https:// may carry: reports are passed around."""
    parts = urlsplit(uri)
    if "@" not in parts.netloc:
        return uri
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def to_yaml(value: Mapping[str, Any], indent: int = 0) -> str:
    """Return nested mappings of scalars and lists of scalars as YAML; the trainer's image has no library for it."""
    lines = []
    for key, entry in value.items():
        start = f"{' ' * indent}{scalar(key)}:"
        if isinstance(entry, Mapping) and entry:
            lines.append(f"{start}\n{to_yaml(entry, indent + 2)}")
        elif isinstance(entry, list):
            lines.append(f"{start} [{', '.join(scalar(item) for item in entry)}]\n")
        else:
            lines.append(f"{start} {scalar(entry)}\n")
    return "".join(lines)


def scalar(value: Any) -> str:
    """Return a string bare where that is safe, else in quotes; numbers and booleans as in JSON, which YAML contains."""
    if not isinstance(value, str):
        return json.dumps(value)
    if PLAIN.fullmatch(value) and value.lower() not in WORDS:
        return value
    # JSON's own escapes will not do: it writes characters beyond U+FFFF as two, and YAML takes them for two.
    characters = (
        character if character.isprintable() and character not in '"\\' else f"\\U{ord(character):08X}"
        for character in value
    )
    return f'"{"".join(characters)}"'
