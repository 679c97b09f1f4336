"""From a run that is ready to learn to its search: what the trials share, how many run at a time, what is said."""

from dataclasses import replace

from torch import Tensor
from transfermodel_operator.api import Reason
from transfermodel_operator.api.spec import Search

from transfermodel_trainer import machine
from transfermodel_trainer.errors import RunBroken, RunError
from transfermodel_trainer.evaluation.summary import Learned
from transfermodel_trainer.search.shared import Setup, Shared
from transfermodel_trainer.search.space import FINE_TUNING, Space
from transfermodel_trainer.search.study import Found, Study
from transfermodel_trainer.search.trials import Trial, most_frequent_cause
from transfermodel_trainer.search.trying import Made
from transfermodel_trainer.strategies.context import Context
from transfermodel_trainer.training.probe import Probe

REMEDIES = (
    ("memory", Reason.OUT_OF_MEMORY, "raise spec.training.resources.limits.memory, or lower search.maxParallel"),
    ("no longer a number", Reason.TRAINING_DIVERGED, "set a lower spec.training.fineTuning.learningRate"),
)
"""What a cause mentions, the reason that goes with it, and what to do."""


def find(
    context: Context, space: Space, judged_by: str, probe: Probe | None, features: Tensor | None, first: Made | None
) -> Found:
    """Search, in a folder that is removed with the run's.

    Args:
        context: the run; its network is as fine-tuning begins with it.
        space: of the settings.
        judged_by: what trials are judged by, for sentences.
        probe: the solved head, where there is one.
        features: (M, D), of the validation set, where there are one and a probe.
        first: what the first trial came to, where that is known already.

    Raises:
        RunError: no trial made a model.
        Interrupted: once what was done is kept.
    """
    training, progress = context.request.training, context.progress
    search = asked(context)
    parallel = processes_for(search)
    if parallel < search.max_parallel:
        progress.say(
            f"spec.training.search.maxParallel is {search.max_parallel}: {_trials(parallel)} at a time, for there are "
            f"{machine.threads()} processors and {search.trials or 'any number of'} trials."
        )
    shared = Shared(machine.scratch_folder())
    write(context, space, shared, probe, features, machine.threads() // parallel)
    study = Study(
        search,
        space,
        shared,
        judged_by,
        training.seed,
        progress,
        context.limits,
        context.checkpoints,
        training.checkpoint_interval_seconds,
    )
    progress.phase("Search", epochs=search.trials)
    if not study.resume() and first is not None:
        study.adopt(first.facts, first.tensors)
    found = study.run(parallel, machine.threads() // parallel)
    if found is None:
        if (field := context.limits.exceeded()) is not None:
            raise context.limits.failure(field)
        raise nothing_found(study.ledger.trials())
    return found


def processes_for(search: Search) -> int:
    """Return how many trials run at a time: no more than there are processors, or trials."""
    return max(1, min(search.max_parallel, machine.threads(), search.trials or search.max_parallel))


def asked(context: Context) -> Search:
    """Return the search that the run asks for."""
    return context.request.training.search or Search(trials=1)


def write(
    context: Context, space: Space, shared: Shared, probe: Probe | None, features: Tensor | None, threads: int
) -> None:
    """Write what all trials work with; the arguments are those of `find`."""
    backbone, split = context.backbone, context.split
    methods = {method.name for method in space.methods}
    setup = Setup(
        backbone.name,
        backbone.preprocessing.document(),
        len(split.labels),
        context.request.training.seed,
        context.request.gpus,
        threads,
        backbone.pretrained,
        probe is not None and probe.flipped,
    )
    shared.write(setup, backbone)
    for name, samples in (("train", split.train), ("validation", split.validation)):
        if samples is not None:
            shared.write_samples(name, samples, rows=FINE_TUNING in methods)
    if probe is not None and methods != {FINE_TUNING}:
        shared.write_features("train", probe.features if probe.computed is None else probe.computed)
        if features is not None:
            shared.write_features("validation", features[None])


def nothing_found(trials: tuple[Trial, ...]) -> RunError:
    """Return what to say of a search without a model."""
    cause, count = most_frequent_cause(trials)
    sentence = (
        f"None of the {_trials(len(trials))} of spec.training.search made a model; of {count} the cause was: {cause}."
    )
    for mentioned, reason, remedy in REMEDIES:
        if mentioned in cause:
            return RunBroken(reason, f"{sentence} To mend that, {remedy}.")
    return RunBroken(Reason.RUN_FAILED, f"{sentence} Run it without search to see whether that is its fault.")


def told(learned: Learned, found: Found, search: Search) -> Learned:
    """Say of the search what people should know: in the notes, and as a warning where it was none."""
    history = found.history
    best, first = history.best, history.first
    notes = {
        "search": f"{_trials(len(history.trials))} ({history.counts()}), judged by {history.judged_by}; "
        f"trial {best.number + 1} is published; {history.ended_by}"
    }
    warnings = learned.warnings
    tried = sum(trial.loss is not None for trial in history.trials)
    if tried < 2 and search.trials != 1:
        warnings += (
            f"spec.training.search came to {_trials(tried)} only ({history.ended_by}), so there was nothing to choose "
            f"from. One takes about {max(1, round(first.seconds))} s here: give it more time.",
        )
    return replace(
        learned, notes=learned.notes | notes, search=history, warnings=warnings, budget_exceeded=found.exceeded
    )


def _trials(count: int) -> str:
    return "1 trial" if count == 1 else f"{count} trials"
