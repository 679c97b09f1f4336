"""Is the spec one that can be acted on?"""

import re
from typing import Final

from pydantic import ValidationError

from transfermodel_operator.api import ConditionType, Reason, TransferModelSpec
from transfermodel_operator.findings import failed
from transfermodel_operator.reconcile.visit import Visit
from transfermodel_operator.runs.key import run_key
from transfermodel_operator.schedule import ScheduleInvalid
from transfermodel_operator.warm import warmth

NAME: Final = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")


def validate(visit: Visit) -> None:
    """Read the spec; one that cannot be acted on is the finding of Trained, and what serves goes on serving."""
    if not NAME.fullmatch(visit.name):
        message = (
            f"The name {visit.name!r} cannot become part of a host name. Use at most 40 lower-case letters, digits and "
            "hyphens, beginning with a letter and ending with a letter or digit"
        )
        visit.find(ConditionType.TRAINED, failed(Reason.INVALID_NAME, message))
        return
    try:
        spec = TransferModelSpec.model_validate(visit.model.get("spec") or {})
        visit.warmth = warmth(spec.serving.warm or (), visit.now)
    except (ValidationError, ScheduleInvalid) as error:
        wrong = explain(error) if isinstance(error, ValidationError) else str(error)
        visit.find(ConditionType.TRAINED, failed(Reason.INVALID_SPEC, f"The spec cannot be read: {wrong}"))
        return
    visit.spec = spec
    visit.run_key = run_key(visit.namespace, visit.name, spec)


def explain(error: ValidationError) -> str:
    """Return what is wrong with a spec: the path and the complaint of each mistake."""
    complaints = []
    for mistake in error.errors(include_url=False, include_context=False):
        path = ".".join(("spec", *(str(part) for part in mistake["loc"])))
        complaints.append(f"{path}: {mistake['msg'].removeprefix('Value error, ')}")
    return "; ".join(complaints)
