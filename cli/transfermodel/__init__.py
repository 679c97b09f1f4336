"""TransferModel from Python: the same YAML, the same trainer, artifact and predictor as in a cluster.

    import transfermodel

    result = transfermodel.run("digits.yaml")
    result.accuracy
    result.predict("seven.png").label

Nothing is imported before it is used: `import transfermodel` takes milliseconds.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transfermodel.building import transfer_model
    from transfermodel.documents.types import Document, Finding
    from transfermodel.errors import TransferModelError
    from transfermodel.interface import load, run, validate
    from transfermodel.local.serving import LocalServer
    from transfermodel.planning import Plan, plan
    from transfermodel.predictions.types import Prediction
    from transfermodel.result import Result
    from transfermodel.workspace import Workspace

__all__ = [
    "Document",
    "Finding",
    "LocalServer",
    "Plan",
    "Prediction",
    "Result",
    "TransferModelError",
    "Workspace",
    "load",
    "plan",
    "run",
    "transfer_model",
    "validate",
]

_HOMES = {
    "Document": "documents.types",
    "Finding": "documents.types",
    "LocalServer": "local.serving",
    "Plan": "planning",
    "Prediction": "predictions.types",
    "Result": "result",
    "TransferModelError": "errors",
    "Workspace": "workspace",
    "load": "interface",
    "plan": "planning",
    "run": "interface",
    "transfer_model": "building",
    "validate": "interface",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Name what there is, for completion."""
    return sorted({*globals(), *__all__})
