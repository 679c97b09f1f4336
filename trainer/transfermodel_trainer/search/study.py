"""A search: which trial is begun when, what is heard of it, and when there are no more."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from torch import Tensor
from transfermodel_operator.api import Reason
from transfermodel_operator.api.spec import Search
from transfermodel_operator.api.spec.training import ALIKE

from transfermodel_trainer.checkpoints import Checkpoints
from transfermodel_trainer.errors import RunBroken
from transfermodel_trainer.limits import Interrupted, Limits
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.search.ledger import Ledger
from transfermodel_trainer.search.processes import Process, Processes
from transfermodel_trainer.search.sampling import is_hopeless, suggest
from transfermodel_trainer.search.shared import Shared
from transfermodel_trainer.search.space import FINE_TUNING, Parameters, Space
from transfermodel_trainer.search.trials import History, Trial, failed

SEARCH_DURATION: Final = "spec.training.search.maxDurationSeconds"
CHECKPOINT: Final = "search"
MOST_FAILED: Final = 10
"""So many trials without a single model, and there will be none."""
MOST_LOST: Final = 3
"""So many processes in a row that ended before they could try anything, and the next will, too."""
GRACE_SECONDS: Final = 30.0
"""For fine-tuning to end by itself when time is over: judging and keeping what there is takes its while."""
LOOK_SECONDS: Final = 0.25


@dataclass(frozen=True)
class Found:
    """What a search came to."""

    history: History
    tensors: dict[str, Tensor]
    """The model that is published."""
    exceeded: str | None
    """The field of the spec whose time was over before the search was; None: it ended as it was asked to."""


@dataclass
class Study:
    """One search, over all the processes of a run that was interrupted."""

    search: Search
    space: Space
    shared: Shared
    judged_by: str
    """What trials are judged by, for sentences."""
    seed: int
    progress: Progress
    limits: Limits
    checkpoints: Checkpoints | None = None
    checkpoint_seconds: float = 60.0
    _begun: dict[int, tuple[str, Parameters]] = field(default_factory=dict)
    _steps: dict[int, dict[int, float]] = field(default_factory=dict)
    _lost: list[str] = field(default_factory=list)
    """How the last processes ended that could try nothing."""
    _before: float = 0.0
    """Seconds that interrupted processes spent on it."""

    def __post_init__(self) -> None:
        """Begin without trials."""
        self.ledger = Ledger(self.shared)
        self._started = self._kept_at = time.monotonic()
        self._delay = max(ALIKE, self.search.max_parallel)

    def resume(self) -> bool:
        """Take up what an interrupted run kept; tell whether there was something."""
        saved = self.checkpoints.load(CHECKPOINT) if self.checkpoints is not None else None
        if saved is None:
            return False
        self.ledger.restore(saved.facts["ledger"], saved.tensors)
        self._before = saved.facts["seconds"]
        if self.ledger.best is not None:
            self.limits.fitted()
        self.progress.say(f"Resuming after {len(self.ledger.over)}{self._of_all()} trials.")
        return True

    def adopt(self, made: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """Take the first trial from a run's own solved head: it is what the usual settings lead to."""
        self.shared.write_model(0, tensors)
        usual = self.space.methods[0]
        self._finish(Trial(**{"number": 0, "method": usual.name, "parameters": usual.settings({}), **made}))

    def run(self, parallel: int, threads: int) -> Found | None:
        """Try settings until a limit is reached; None: no trial made a model.

        Args:
            parallel: trials at a time.
            threads: of each.

        Raises:
            Interrupted: once what was done is kept.
        """
        with self.limits.attended():
            end = self._end()
            if end is None:
                with self._processes(parallel, threads) as processes:
                    end = self._try_all(processes)
            self._keep(wait=True)
        best = self.ledger.best
        if best is None:
            return None
        history = History(self.ledger.trials(), best.trial.number, self.judged_by, end)
        return Found(history, self.ledger.model(), self.limits.exceeded() if self._left() else None)

    def _try_all(self, processes: Processes) -> str:
        """Return why there are no more trials."""
        end: str | None = None
        while True:
            end = end or self._end()
            while end is None and self._may_begin() and (process := processes.idle()) is not None:
                self._begin(process)
            busy = processes.busy()
            if end is not None and not busy:
                return end
            event = processes.next_event(LOOK_SECONDS)
            if self.limits.interrupted():
                self._keep(wait=True)
                self.progress.say(f"Kept what {len(self.ledger.over)} trials found.")
                raise Interrupted
            if event is not None:
                self._hear(processes, event.process, event.content)
            self._end_late(busy)

    def _end(self) -> str | None:
        """Return why no more trials are begun; None: there may be more.

        Raises:
            RunBroken: No trial can be made, and there is no model.
        """
        over = self.ledger.over
        if len(self._lost) >= MOST_LOST and self.ledger.best is None:
            raise RunBroken(
                Reason.RUN_FAILED,
                f"spec.training.search could try nothing: {self._lost[-1]}. Where memory is short, raise "
                "spec.training.resources.limits.memory or lower search.maxParallel.",
            )
        if (exceeded := self.limits.exceeded()) is not None:
            return f"{exceeded} was over"
        if not self._left():
            return f"all {self.search.trials} trials were made"
        if len(self._lost) >= MOST_LOST and self.ledger.best is not None:
            return f"no further trial could be made: {self._lost[-1]}"
        own = self.search.max_duration_seconds
        if own is not None and over and self._elapsed() >= own:
            return f"{SEARCH_DURATION} was over"
        if len(over) >= MOST_FAILED and not any(trial.loss is not None for trial in over.values()):
            return f"none of {len(over)} trials made a model"
        return None

    def _left(self) -> bool:
        """Tell whether trials are left that are not over."""
        return self.search.trials is None or len(self.ledger.over) < self.search.trials

    def _next(self) -> int:
        """Return the number of the next trial: one that was not begun, or that an interrupted run began in vain."""
        number = 0
        while number in self.ledger.over or number in self._begun:
            number += 1
        return number

    def _may_begin(self) -> bool:
        """Tell whether there is another trial, and all are over that its settings depend on."""
        number = self._next()
        if self.search.trials is not None and number >= self.search.trials:
            return False
        return all(earlier in self.ledger.over for earlier in range(number - self._delay + 1))

    def _seen(self, number: int) -> list[Trial]:
        """Return the trials that one may know of: the same however many run at a time."""
        return [self.ledger.over[earlier] for earlier in range(number - self._delay + 1)]

    def _begin(self, process: Process) -> None:
        number = self._next()
        method, settings = suggest(self.space, self._seen(number), number, self.seed)
        self._begun[number] = (method, settings)
        own, seconds = self.search.max_duration_seconds, self.limits.left()
        if own is not None and number > 0:
            seconds[SEARCH_DURATION] = own - self._elapsed()
        process.begin(number, method, settings, seconds)
        if seconds:
            # A head is fitted or it is not; of fine-tuning there may be something to keep.
            grace = GRACE_SECONDS if method == FINE_TUNING else 0.0
            process.ends_by = time.monotonic() + max(0.0, min(seconds.values())) + grace

    def _hear(self, processes: Processes, process: Process, content: dict[str, Any] | None) -> None:
        number = process.task
        if content is None:
            cause = process.how_it_ended()
            if not process.ready:
                self._lost.append(cause)
            if process in processes.all and len(self._lost) < MOST_LOST:
                processes.replace(process)
            if number is not None:
                self._finish(failed(self._trial(process, number), cause))
            return
        event = content.pop("event")
        if event == "ready":
            process.ready = True
            self._lost.clear()
        if number is None:
            return
        if event == "judge":
            self._steps[number] = {int(step): loss for step, loss in content["steps"].items()}
            process.tell({"goOn": not is_hopeless(self._steps[number], self._seen(number))})
        elif event == "step":
            process.done = content["done"]
            self._show(sum(each.done for each in processes.busy()))
        elif event == "fitted":
            self.limits.fitted()
        elif event == "done":
            trial = self._trial(process, number)
            process.task = None
            self._finish(Trial.of({**trial.to_facts(), **content}))

    def _trial(self, process: Process, number: int) -> Trial:
        """Return what is known of a trial before it has said what came of it."""
        method, settings = self._begun[number]
        seconds = time.monotonic() - process.began
        return Trial(number, method, settings, "Stopped", steps=self._steps.get(number, {}), seconds=seconds)

    def _finish(self, trial: Trial) -> None:
        if trial.state == "Failed":
            trial = failed(trial, trial.cause)
        better = self.ledger.add(trial)
        self._begun.pop(trial.number, None)
        if self.ledger.best is not None:
            self.limits.fitted()
        name = f"Trial {trial.number + 1}{self._of_all('/')}, {named(trial.method, trial.parameters)}"
        best = "; the best so far" if better else ""
        self.progress.say(f"{name}: {trial.described()}, {trial.seconds:.1f} s{best}.")
        self._show(0.0)
        if time.monotonic() - self._kept_at >= self.checkpoint_seconds:
            self._keep(wait=False)

    def _end_late(self, busy: list[Process]) -> None:
        """End the processes of trials whose time is long over."""
        for process in busy:
            if process.task is not None and process.ends_by is not None and time.monotonic() >= process.ends_by:
                trial, process.task = self._trial(process, process.task), None
                process.kill()  # its end is heard, and another takes its place
                self._finish(trial)

    def _show(self, running: float) -> None:
        """Say how much is done, and how good the best is."""
        done = len(self.ledger.over)
        if self.search.trials is not None:
            fraction = (done + running) / self.search.trials
        else:
            fraction = self._elapsed() / (self.search.max_duration_seconds or 1)
        self.progress.step(
            fraction, epoch=done, accuracy=None if self.ledger.best is None else self.ledger.best.trial.accuracy
        )

    def _keep(self, *, wait: bool) -> None:
        """Write a checkpoint."""
        if self.checkpoints is None or not self.ledger.over:
            return
        facts = {"ledger": self.ledger.facts(), "seconds": self._elapsed()}
        if wait:
            self.checkpoints.save(CHECKPOINT, self.ledger.tensors(), facts)
        else:
            self.checkpoints.save_later(CHECKPOINT, self.ledger.tensors(), facts)
        self._kept_at = time.monotonic()

    def _elapsed(self) -> float:
        return self._before + time.monotonic() - self._started

    def _of_all(self, between: str = " of ") -> str:
        return "" if self.search.trials is None else f"{between}{self.search.trials}"

    @contextmanager
    def _processes(self, parallel: int, threads: int) -> Iterator[Processes]:
        processes = Processes(self.shared.folder, parallel, threads)
        try:
            yield processes
        finally:
            processes.end()


def named(method: str, parameters: Parameters) -> str:
    """Return settings for people."""
    return f"{method} {{{', '.join(f'{name}: {value}' for name, value in parameters.items())}}}"
