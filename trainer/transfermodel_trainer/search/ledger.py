"""The trials that are over, and the model of the best of them: what a search must not lose."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from transfermodel_trainer.search.shared import Shared
from transfermodel_trainer.search.trials import Kept, Trial


class Ledger:
    """All of them.

    Models are compared in the order of the trials' numbers, whichever was over first: so it does not matter how many
    run at a time. Those that wait for one before them, and the best so far, lie in the folder that all trials share.
    """

    def __init__(self, shared: Shared) -> None:
        """Begin without any."""
        self._shared = shared
        self._compared = 0
        self.over: dict[int, Trial] = {}
        self.best: Kept | None = None

    def add(self, trial: Trial) -> bool:
        """Take a trial that is over; tell whether there is another best one now."""
        self.over[trial.number] = trial
        before = self.best
        while (compared := self.over.get(self._compared)) is not None:
            self._compare(compared)
            self._compared += 1
        return self.best is not before

    def trials(self) -> tuple[Trial, ...]:
        """Return the trials by number."""
        return tuple(self.over[number] for number in sorted(self.over))

    def model(self) -> dict[str, Tensor]:
        """Return the tensors of the best; there must be one."""
        if self.best is None:
            raise LookupError("no trial made a model")
        return self._shared.read_model(self.best.trial.number)

    def facts(self) -> dict[str, Any]:
        """Return it as JSON for a checkpoint."""
        best = None if self.best is None else self.best.trial.number
        return {"compared": self._compared, "best": best, "trials": [trial.to_facts() for trial in self.trials()]}

    def tensors(self) -> dict[str, Tensor]:
        """Return the models that are still of use, for a checkpoint."""
        return {
            f"{number} {name}": tensor
            for number in self._needed()
            for name, tensor in self._shared.read_model(number).items()
        }

    def restore(self, facts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        """Take up what `facts` and `tensors` returned."""
        self.over = {trial["number"]: Trial.of(trial) for trial in facts["trials"]}
        self._compared = facts["compared"]
        models: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            number, _, own = name.partition(" ")
            models.setdefault(int(number), {})[own] = tensor
        for trial, model in models.items():
            self._shared.write_model(trial, model)
        if facts["best"] is not None:
            self.best = Kept(self.over[facts["best"]], models[facts["best"]]["losses"])

    def _compare(self, trial: Trial) -> None:
        if trial.loss is None:
            return
        other = Kept(trial, self._shared.read_model(trial.number)["losses"])
        if self.best is None or self.best.gives_way_to(other):
            loser, self.best = self.best, other
        else:
            loser = other
        if loser is not None:
            self._shared.model(loser.trial.number).unlink(missing_ok=True)

    def _needed(self) -> list[int]:
        waiting = [trial.number for trial in self.trials() if trial.number >= self._compared and trial.loss is not None]
        return waiting if self.best is None else [self.best.trial.number, *waiting]
