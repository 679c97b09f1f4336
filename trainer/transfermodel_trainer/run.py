"""One run, from the request to its result. Imports torch only when there is something to learn."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from transfermodel_operator.api import Reason, RunRequest, RunResult

from transfermodel_trainer import inputs, machine
from transfermodel_trainer.checkpoints import Checkpoints
from transfermodel_trainer.data.classes import check_same_classes
from transfermodel_trainer.data.fetch import Fetched, fetch
from transfermodel_trainer.data.spool import Spool
from transfermodel_trainer.errors import RunError
from transfermodel_trainer.limits import Limits
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.publishing.output import RunFolder


def execute(
    request: RunRequest,
    environment: Mapping[str, str],
    progress: Progress,
    *,
    limits: Limits | None = None,
    before_publishing: Callable[[], None] = lambda: None,
) -> RunResult:
    """Return the result of the run: a stored one of the same inputs, or a new one.

    Args:
        request: what to do.
        environment: holds the credentials.
        progress: where to report.
        limits: when training must end; None: never.
        before_publishing: called when training is over; nothing may stop the run from there on.

    Raises:
        RunError: with the sentence for the user.
    """
    check_request(request)
    found = inputs.resolve(request, environment)
    output = RunFolder(request, found.digest, environment)
    limits = limits or Limits.none()
    checkpoints = Checkpoints.of(environment, progress, output.beside, limits)
    stored = output.stored_result()
    if stored is not None:
        progress.say(f"The same inputs were trained before: {stored.uri} is returned, nothing is trained.")
        checkpoints.remove()
        return stored
    check_names(found)
    output.probe()
    folder = machine.scratch_folder()
    spool = Spool(folder)
    fetching = in_background(lambda: fetch_all(found, spool, folder, progress))
    # Torch takes seconds to import: the data arrives meanwhile.
    from transfermodel_trainer.learn import learn

    learned = learn(
        request,
        found.digest,
        environment,
        fetching,
        spool,
        folder,
        checkpoints,
        progress,
        limits,
        output.shared(),
    )
    before_publishing()
    result = learned.publish(request, found, output, progress)
    checkpoints.remove()
    return result


def check_request(request: RunRequest) -> None:
    """Raise InvalidSpec for what the API server refuses, too: the trainer has other callers."""
    weights = request.backbone.weights
    scratch = weights is not None and weights.scratch
    training = request.training
    if scratch and (
        training.strategy != "FineTuning" or training.fine_tuning is None or training.fine_tuning.unfreeze != "All"
    ):
        raise RunError(
            Reason.INVALID_SPEC,
            "weights {scratch: true} have nothing to extract: use spec.training {strategy: FineTuning, "
            "fineTuning: {unfreeze: All}}.",
        )


def check_names(found: inputs.Inputs) -> None:
    """Raise what the names alone show to be wrong; what is in archives is only known later."""
    named = {source.role: source.classes() for source in found.sources if not source.archive}
    for source in found.sources[1:]:
        if "train" in named and source.role in named:
            check_same_classes(named["train"], named[source.role], source.role, source.uri, source.task)


def fetch_all(found: inputs.Inputs, spool: Spool, folder: Path, progress: Progress) -> list[Fetched]:
    """Download all sources; a fraction of the phase for each by its size."""
    total = max(1, sum(entry.size for source in found.sources for entry in source.objects))
    fetched, before = [], 0
    for source in found.sources:
        size = sum(entry.size for entry in source.objects)
        fetched.append(fetch(source, spool, folder, partial(_part, progress, before / total, size / total)))
        before += size
    train = fetched[0]
    for other in fetched[1:]:
        check_same_classes(train.classes, other.classes, other.source.role, other.source.uri, other.source.task)
    return fetched


def _part(progress: Progress, before: float, share: float, done: float) -> None:
    progress.step(0.6 * (before + done * share))


def in_background(work: Callable[[], list[Fetched]]) -> "Future[list[Fetched]]":
    """Start the work in a thread that does not keep the process alive."""
    future: Future[list[Fetched]] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="fetch", daemon=True).start()
    return future
