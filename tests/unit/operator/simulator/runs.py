"""How a training run ends: what the trainer leaves as its termination message."""

import json
from typing import Any

from transfermodel_operator.resources import names


def result(request: dict[str, Any], **overrides: Any) -> str:
    """Return the termination message of a run that succeeded."""
    run = request["run"]
    values = {
        "outcome": "Succeeded",
        "run": run,
        "inputsDigest": "1" * 64,
        "dataDigest": "2" * 64,
        "uri": f"{request['outputUri']}/{request['namespace']}/{request['name']}/runs/{run}/{'1' * 64}/artifact",
        "digest": f"sha256:{names.hash_of(run)}",
        "metrics": {"accuracy": "0.81"},
        "metricsSplit": "test",
        "estimated": False,
        "counts": {"classes": 3, "train": 60, "validation": 15, "test": 30, "skipped": 0},
        "seconds": {"training": 3.0, "total": 4.2},
        "device": "cpu",
    }
    return json.dumps(values | overrides)


def failure(kind: str, reason: str, message: str = "It failed. Mend it.") -> str:
    """Return the termination message of a run that failed."""
    return json.dumps({"outcome": "Failed", "failure": kind, "reason": reason, "message": message})
