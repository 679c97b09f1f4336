"""The methods by name, baselines and ours, and how often each takes its turn."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.bench.training import hyperrule, ours, simple, tutorial
from tests.bench.training.material import ALL, Material, Size
from tests.bench.training.turns import Method

FEWEST_FOR_REFIT = 100
"""Of fewer samples one is no longer about 1 %."""


@dataclass(frozen=True)
class Entry:
    """A method, for people and for the program."""

    title: str
    run: Method
    asked: bool = False
    """Takes part only where it is named: a turn takes the better part of an hour on two processors."""


METHODS: Final[Mapping[str, Entry]] = {
    "raw-input": Entry("ridge on the raw input", simple.raw_input),
    "untrained-trunk": Entry("ridge on an untrained trunk", simple.untrained_trunk),
    "t0-frozen": Entry("T0: the tutorial, frozen", tutorial.frozen),
    "t0-fine-tuning": Entry("T0: the tutorial, fine-tuning", tutorial.fine_tuning),
    "bit": Entry("BiT-HyperRule", hyperrule.run, asked=True),
    "features": Entry("**FeatureExtraction**", ours.method("FeatureExtraction")),
    "refit": Entry("**FeatureExtraction**, refit after adding 1 %", ours.refit),
    "fine-tuning": Entry("**FineTuning**", ours.method("FineTuning")),
    "auto": Entry("**Auto**", ours.method("Auto")),
}

SIZES: Final[Mapping[str, tuple[Size, ...]]] = {"horse-ship-truck": ("5", "20", ALL)}
"""By data set; the others are learned from whole."""

ASKED: Final = {
    ("horse-ship-truck", ALL, "t0-fine-tuning"),
    ("sst2", ALL, "t0-frozen"),
    ("sst2", ALL, "t0-fine-tuning"),
}
"""What takes part only where its method is named, like `bit`: a turn takes many minutes on two processors."""
ONE_TURN: Final = ASKED | {
    ("horse-ship-truck", ALL, "auto"),
    ("sst2", ALL, "fine-tuning"),
    ("sst2", ALL, "auto"),
    ("spoken-digits", ALL, "t0-fine-tuning"),
}
"""What takes minutes each time has one seed; the table says so."""


def seeds_of(data_set: str, size: Size, method: str, seeds: int) -> int:
    """Return how many turns a method takes."""
    return 1 if (data_set, size, method) in ONE_TURN or METHODS[method].asked else seeds


def applies(method: str, material: Material, size: Size, *, named: bool) -> bool:
    """Tell whether a method takes part; named: somebody asked for it."""
    if not named and (METHODS[method].asked or (material.name, size, method) in ASKED):
        return False
    if method == "bit":
        return material.task == "ImageClassification"
    if method == "refit":
        return size == ALL and len(material.train) >= FEWEST_FOR_REFIT
    return True
