"""spec.training.strategy: what is trained, and how what came of it is judged."""

from collections.abc import Callable, Mapping
from typing import Final

from transfermodel_trainer.evaluation.summary import Learned
from transfermodel_trainer.strategies.auto import choose_strategy
from transfermodel_trainer.strategies.context import Context
from transfermodel_trainer.strategies.extraction import extract
from transfermodel_trainer.strategies.tuning import tune

STRATEGIES: Final[Mapping[str, Callable[[Context], Learned]]] = {
    "FeatureExtraction": extract,
    "FineTuning": tune,
    "Auto": choose_strategy,
}
