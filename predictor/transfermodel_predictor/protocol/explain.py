"""`:explain` of version 1: {"instances": […]} -> {"predictions": […], "explanations": [{"label", "saliency", …}]}."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from transfermodel_predictor.protocol.errors import RequestInvalid, RequestTooLarge
from transfermodel_predictor.protocol.forms import SampleForm
from transfermodel_predictor.protocol.parameters import TOP_K, flag, whole_number
from transfermodel_predictor.protocol.sources import shown

GRID: Final = "grid"
LABEL: Final = "label"
OVERLAY: Final = "overlay"
PARAMETERS: Final = (GRID, LABEL, OVERLAY, TOP_K)
BUDGET: Final = 1024
"""Inferences that one request may cost."""
LABELS_SHOWN: Final = 10


@dataclass(frozen=True)
class Options:
    """How samples are explained."""

    grid: int
    label: str | None
    """Whose probability is explained; None: the most probable one's."""
    overlay: bool


def options_of(parameters: Mapping[str, Any], form: SampleForm, labels: Sequence[str]) -> Options:
    """Return the options.

    Raises:
        RequestInvalid: One makes no sense for this model.
    """
    grid = whole_number(GRID, parameters.get(GRID, form.grid.default), form.grid.lowest, form.grid.highest)
    label = parameters.get(LABEL)
    if LABEL in parameters and label not in labels:
        more = f" and {len(labels) - LABELS_SHOWN} more" if len(labels) > LABELS_SHOWN else ""
        known = ", ".join(map(repr, labels[:LABELS_SHOWN]))
        raise RequestInvalid(f"The parameter 'label' is {shown(label)}; the labels are {known}{more}.")
    overlay = flag(OVERLAY, parameters.get(OVERLAY, False))
    if overlay and form.name != "image":
        raise RequestInvalid(f"The parameter 'overlay' is for images; this model takes {form.many}.")
    return Options(grid, label, overlay)


def check_budget(count: int, options: Options, form: SampleForm) -> None:
    """Refuse what would keep others waiting.

    Raises:
        RequestTooLarge: So many samples, so finely, are more inferences than a request may cost.
    """
    each = form.grid.cells(options.grid) + 1
    if count * each > BUDGET:
        raise RequestTooLarge(
            f"Explaining {count} {form.many} with grid {options.grid} takes {count * each} inferences; at most "
            f"{BUDGET} are made for a request. Send {BUDGET // each} at once, or choose a coarser grid."
        )
