"""What a search varies, and between which values; what the spec says stays as it is."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from transfermodel_operator.api.spec import FineTuning

from transfermodel_trainer.training.linear_head import HeadSettings
from transfermodel_trainer.training.logistic import USUAL_FACTOR
from transfermodel_trainer.training.recipe import USUAL, Recipe

Value = str | int | float
Parameters = dict[str, Value]
"""By their names, such as learningRate."""

RIDGE: Final = "ridge"
LOGISTIC: Final = "logistic"
FINE_TUNING: Final = "fineTuning"
ALL: Final = "All"
ZERO: Final = "zeros"
"""What a head begins with that is not solved."""
SIGNIFICANT_DIGITS: Final = 3
"""Of a value that is tried: what a report can show, a file can say again."""
BATCH_SIZES: Final = (8, 16, 32, 64, 128)
MOST_STAGES: Final = 3
"""More of the last stages than this are as good as all."""


@dataclass(frozen=True)
class Number:
    """A number between two others."""

    low: float
    high: float
    logarithmic: bool = False
    whole: bool = False

    def rounded(self, value: float) -> Value:
        """Return a value that can be written down, within the bounds."""
        if self.whole:
            return max(int(self.low), min(int(self.high), round(value)))
        short = float(f"{value:.{SIGNIFICANT_DIGITS}g}")
        return max(self.low, min(self.high, short))


@dataclass(frozen=True)
class OneOf:
    """One of some values."""

    values: tuple[Value, ...]


Parameter = Number | OneOf


@dataclass(frozen=True)
class Method:
    """One way to make a model."""

    name: str
    usual: Mapping[str, Value]
    """The settings of a run without a search; what such a run finds by itself is not among them."""
    searched: Mapping[str, Parameter] = field(default_factory=dict)
    """What is tried; all else stays as usual."""

    def settings(self, chosen: Mapping[str, Value]) -> Parameters:
        """Return all settings, with what was chosen for those that are searched."""
        return {**self.usual, **{name: chosen[name] for name in self.searched if name in chosen}}


@dataclass(frozen=True)
class Space:
    """The methods that a search chooses among; its first trials are the usual settings of each, in this order."""

    methods: tuple[Method, ...]

    def method(self, name: str) -> Method:
        """Return a method by its name."""
        return next(method for method in self.methods if method.name == name)


def head_methods(*, mirrors: bool, mirrored: bool) -> tuple[Method, ...]:
    """Return the ways to fit a head to the frozen trunk's features.

    Args:
        mirrors: whether there are mirrored views.
        mirrored: whether a run without a search would keep them.
    """
    shared: dict[str, Parameter] = {"scaling": OneOf(("spread", "deviation", "none"))}
    if mirrors:
        shared["views"] = OneOf(("plain", "mirrored"))
    usual: Parameters = {"scaling": "spread", "views": "mirrored" if mirrored else "plain"}
    return (
        # Its usual penalty is found by leave-one-out.
        Method(RIDGE, usual, shared | {"penalty": Number(1e-3, 10.0, logarithmic=True)}),
        Method(LOGISTIC, usual | {"penalty": USUAL_FACTOR}, shared | {"penalty": Number(1e-4, 1.0, logarithmic=True)}),
    )


def head_settings(method: str, settings: Mapping[str, Value]) -> HeadSettings:
    """Return what fitting a head needs to know."""
    penalty = settings.get("penalty")
    return HeadSettings(
        method="logistic" if method == LOGISTIC else "ridge",
        scaling=settings["scaling"],  # type: ignore[arg-type]
        penalty=None if penalty is None else float(penalty),
    )


def tuning_method(
    usual: FineTuning,
    fixed: Sequence[str],
    *,
    stages: int,
    samples: int,
    pretrained: bool,
    augmented: bool,
    recipe: Recipe = USUAL,
) -> Method:
    """Return what fine-tuning varies.

    Args:
        usual: the settings of a run without a search.
        fixed: fields of these, such as learningRate, that the user wrote.
        stages: that the trunk has.
        samples: that are learned from.
        pretrained: whether the trunk is: only then earlier stages learn more slowly, and some may not learn at all.
        augmented: whether samples are varied at all.
        recipe: what a run without a search has for the rest.
    """
    peak, epochs = float(usual.learning_rate), usual.epochs
    depth = ALL if usual.unfreeze == ALL else str(usual.stages or 1)
    searched: dict[str, Parameter] = {
        "unfreeze": OneOf(_depths(depth, fixed, stages) if pretrained else (depth,)),
        "epochs": Number(max(1, epochs // 2), min(1000, 2 * epochs), logarithmic=True, whole=True),
        "learningRate": Number(peak / 10, peak * 10, logarithmic=True),
        "batchSize": OneOf(_batch_sizes(usual.batch_size, samples)),
    }
    # How many of the last stages learn stays open where only that it is the last ones is said.
    written = set(fixed) - {"unfreeze"}
    searched = {name: what for name, what in searched.items() if name not in written and not _single(what)}
    if pretrained:
        searched["trunkRate"] = Number(0.03, 1.0, logarithmic=True)
        searched["stageDecay"] = Number(0.4, 1.0)
    searched["weightDecay"] = Number(0.001, 0.5, logarithmic=True)
    searched["labelSmoothing"] = Number(0.0, 0.2)
    if augmented:
        searched["augmentation"] = Number(0.0, 2.0)
    settings: Parameters = {
        "unfreeze": depth,
        "epochs": epochs,
        "learningRate": peak,
        "batchSize": usual.batch_size,
        "trunkRate": recipe.trunk_rate,
        "stageDecay": recipe.stage_decay,
        "weightDecay": recipe.weight_decay,
        "labelSmoothing": recipe.label_smoothing,
        "augmentation": recipe.augmentation,
    }
    if recipe.zero_head:
        settings |= {"optimizer": recipe.optimizer, "head": ZERO}
    return Method(FINE_TUNING, settings, searched)


def tuning_settings(settings: Mapping[str, Value]) -> tuple[FineTuning, Recipe]:
    """Return what fine-tuning needs to know."""
    depth = settings["unfreeze"]
    tuning = FineTuning(
        unfreeze="All" if depth == ALL else "LastStages",
        stages=None if depth == ALL else int(depth),
        epochs=int(settings["epochs"]),
        learning_rate=f"{float(settings['learningRate']):.12g}",
        batch_size=int(settings["batchSize"]),
    )
    recipe = Recipe(
        trunk_rate=float(settings["trunkRate"]),
        stage_decay=float(settings["stageDecay"]),
        weight_decay=float(settings["weightDecay"]),
        label_smoothing=float(settings["labelSmoothing"]),
        augmentation=float(settings["augmentation"]),
        optimizer="SGD" if settings.get("optimizer") == "SGD" else "AdamW",
        zero_head=settings.get("head") == ZERO,
    )
    return tuning, recipe


def simpler(method: str, settings: Mapping[str, Value], other_method: str, other: Mapping[str, Value]) -> bool:
    """Tell whether the first is the simpler of two models: less of it learned, in fewer passes."""
    return _complexity(method, settings) < _complexity(other_method, other)


def _complexity(method: str, settings: Mapping[str, Value]) -> tuple[float, ...]:
    if method != FINE_TUNING:
        return (0, method == LOGISTIC, settings["views"] == "mirrored", settings["scaling"] != "spread")
    depth = settings["unfreeze"]
    return (1, math.inf if depth == ALL else int(depth), int(settings["epochs"]))


def _depths(usual: str, fixed: Sequence[str], stages: int) -> tuple[str, ...]:
    """Return how much of the trunk may learn: so many of its last stages, or all."""
    if "stages" in fixed or ("unfreeze" in fixed and usual == ALL):
        return (usual,)
    last = tuple(str(number) for number in range(1, min(MOST_STAGES, stages - 1) + 1))
    return last if "unfreeze" in fixed else (*last, ALL)


def _batch_sizes(usual: int, samples: int) -> tuple[int, ...]:
    """Return sizes of batches; of few samples no large ones: there would be next to no steps."""
    fitting = [size for size in BATCH_SIZES if size <= max(usual, samples // 8)]
    return tuple(sorted({usual, *fitting}))


def _single(parameter: Parameter) -> bool:
    if isinstance(parameter, OneOf):
        return len(parameter.values) < 2
    return parameter.low >= parameter.high
