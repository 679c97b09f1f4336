"""What makes a run the same run."""

import hashlib
import json
from typing import Any, Final

from transfermodel_operator.api import TransferModelSpec
from transfermodel_operator.api.spec import Training
from transfermodel_operator.api.spec.training import ALIKE
from transfermodel_operator.resources.names import hash_of

KEY_VERSION: Final = 1
"""Part of every key: a change of what counts would otherwise go unnoticed."""


def run_key(namespace: str, name: str, spec: TransferModelSpec, trigger: str = "spec") -> str:
    """Return the SHA-256, in hexadecimal, over everything that a run learns from.

    Defaults are left out, so a field that a later version adds with a default changes no key. So are credentials,
    output, scheduling, resources and serving: none of them changes what is learnt.
    """
    wire = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    data, training = wire["data"], wire.get("training", {})
    learning = {
        "keyVersion": KEY_VERSION,
        "namespace": namespace,
        "name": name,
        "task": wire["task"],
        "backbone": wire["backbone"],
        "data": {
            key: data[key] for key in ("train", "validation", "test", "validationFraction", "format") if data.get(key)
        },
        "training": {key: training[key] for key in ("strategy", "fineTuning", "seed") if training.get(key)}
        | search_of(spec.training),
        "trigger": trigger,
    }
    return hashlib.sha256(canonical(learning).encode()).hexdigest()


def search_of(training: Training) -> dict[str, Any]:
    """Return what of a search decides which settings are tried; nothing without one.

    Fields of fineTuning that the user wrote are fixed, also where they say what is the default. How many trials run at
    a time counts where others would be tried for it.
    """
    search = training.search
    if search is None:
        return {}
    learning: dict[str, Any] = {
        "trials": search.trials,
        "maxDurationSeconds": search.max_duration_seconds,
        "fixed": fixed_fields(training),
        "maxParallel": search.max_parallel if search.max_parallel > ALIKE else None,
    }
    return {"search": {key: value for key, value in learning.items() if value}}


def fixed_fields(training: Training) -> list[str]:
    """Return the fields of fineTuning that are set, such as learningRate, sorted."""
    tuning = training.fine_tuning
    return [] if tuning is None else sorted(tuning.model_dump(by_alias=True, exclude_unset=True, exclude_none=True))


def spec_hash(spec: TransferModelSpec) -> str:
    """Return a hash of all that a training Job is made from: its edit replaces a running Job and retries a failed one.

    Unlike the run's key it covers resources, scheduling, credentials and output.
    """
    wire = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"serving", "suspend"})
    return hash_of(canonical(wire))[:16]


def canonical(value: dict[str, Any]) -> str:
    """Return JSON that is equal for equal values, empty objects left out."""
    return json.dumps({key: part for key, part in value.items() if part != {}}, sort_keys=True, separators=(",", ":"))
