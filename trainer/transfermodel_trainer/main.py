"""The process around a run: its request, its clock, its signals, its last words."""

import contextlib
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError
from transfermodel_operator.api import FailureClass, Reason, RunFailure, RunRequest, RunResult
from transfermodel_operator.api.run import (
    EXIT_FAILED,
    EXIT_SUCCEEDED,
    EXIT_USER_ERROR,
    REQUEST_VARIABLE,
    TERMINATION_MESSAGE_LIMIT,
)

from transfermodel_trainer import machine
from transfermodel_trainer.errors import RunError, out_of_memory
from transfermodel_trainer.limits import Interrupted, Interruption, Limits
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.run import execute

TERMINATION_LOG_VARIABLE = "TRANSFERMODEL_TERMINATION_LOG"
TERMINATION_LOG = "/dev/termination-log"
ENDING_SIGNALS = {signal.SIGTERM, signal.SIGINT}
FAREWELL_SECONDS = 25.0
"""For a last checkpoint; after 30 s the pod is killed."""


def main() -> NoReturn:
    """Run what the environment asks for, and exit as api/run.py says."""
    interruption = Interruption()
    end_at_signals(interruption)
    settle_environment()
    code = run(interruption)
    machine.remove_scratch()
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of libraries and half-done downloads have nothing left to say.
    os._exit(code)


def run(interruption: Interruption | None = None) -> int:
    """Run, write the termination message, and return the exit code."""
    interruption = interruption or Interruption()
    try:
        result = supervised(read_request(), interruption)
    except Interrupted:
        # The thread that waits for signals has the last word, once nothing is being written any more.
        threading.Event().wait()
        return EXIT_FAILED
    except RunError as error:
        return fail(error.to_failure())
    except Exception as error:
        if out_of_memory(error):
            return fail(out_of_memory_failure())
        traceback.print_exc()
        write_outcome(crashed(error))
        return EXIT_FAILED
    write_outcome(result)
    print(f"Done: {result.uri} ({result.digest})", flush=True)
    return EXIT_SUCCEEDED


def supervised(request: RunRequest, interruption: Interruption) -> RunResult:
    """Run under the clock, with a sign of life every two seconds."""
    progress = Progress(
        fine_tuning=request.training.strategy != "FeatureExtraction" or request.training.search is not None
    )
    limits = Limits.of(request.training, request.gpus, progress.elapsed, interruption)
    deadline = Deadline(limits)
    progress.start()
    deadline.start()
    try:
        return execute(request, os.environ, progress, limits=limits, before_publishing=deadline.cancel)
    finally:
        deadline.cancel()
        progress.stop()


def read_request() -> RunRequest:
    """Return the request of the environment. Raises a RunError when there is none that can be understood."""
    text = os.environ.get(REQUEST_VARIABLE)
    if not text:
        raise RunError(
            Reason.INVALID_SPEC,
            f"The environment variable {REQUEST_VARIABLE} is not set: the operator sets it to the run's request.",
        )
    try:
        return RunRequest.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise RunError(
            Reason.INVALID_SPEC,
            f"The run's request cannot be understood ({where}: {problem['msg']}): operator and trainer must be "
            "of one version.",
        ) from error


class Deadline:
    """Ends the process when it has taken too long and has no model yet that could be published, whatever it is doing.

    With a model training ends by itself, at the next step.
    """

    def __init__(self, limits: Limits) -> None:
        """Take the limits, whose clock an interrupted run may put forward."""
        self._limits = limits
        self._over = threading.Event()

    def start(self) -> None:
        """Start to watch the clock."""
        threading.Thread(target=self._watch, name="deadline", daemon=True).start()

    def cancel(self) -> None:
        """Training is over in time."""
        self._over.set()

    def _watch(self) -> None:
        while (field := self._limits.exceeded()) is None:
            if self._over.wait(min(max(0.0, self._limits.remaining_seconds()), 1.0)):
                return
        if not self._limits.is_fitted():
            self._expire(field)

    def _expire(self, field: str) -> None:
        os._exit(fail(self._limits.failure(field).to_failure()))


def fail(failure: RunFailure) -> int:
    """Say what went wrong, to people and to the operator; return the exit code."""
    print(f"Failed: {failure.reason}: {failure.message}", file=sys.stderr, flush=True)
    write_outcome(failure)
    return EXIT_USER_ERROR


def crashed(error: Exception) -> RunFailure:
    """Return what can be said of an error that nobody foresaw."""
    words = " ".join(str(error).split()) or "no message"
    return RunFailure(
        failure=FailureClass.RUN,
        reason=Reason.RUN_FAILED,
        message=f"The trainer crashed: {type(error).__name__}: {words}; the pod's log shows where.",
    )


def out_of_memory_failure() -> RunFailure:
    """Return what to do about it."""
    return RunFailure(
        failure=FailureClass.USER,
        reason=Reason.OUT_OF_MEMORY,
        message="The run needs more memory than it has: raise spec.training.resources.limits.memory, or lower "
        "fineTuning.batchSize or backbone.input.size.",
    )


def write_outcome(outcome: RunResult | RunFailure) -> None:
    """Write the termination message, shortened to what Kubernetes keeps; outside a container there is none."""
    named = os.environ.get(TERMINATION_LOG_VARIABLE)
    path = Path(named or TERMINATION_LOG)
    if not named and not path.exists():
        return
    try:
        path.write_text(shortened(outcome))
    except OSError as error:
        print(f"The outcome could not be written to {path}: {error}", file=sys.stderr, flush=True)


def shortened(outcome: RunResult | RunFailure) -> str:
    """Return the outcome as JSON of at most 3072 bytes.

    Warnings go first, then seconds and lesser metrics, then the end of the message.
    """

    def text(value: RunResult | RunFailure) -> str:
        return value.model_dump_json(by_alias=True, exclude_none=True)

    def fits(value: RunResult | RunFailure) -> bool:
        return len(text(value).encode()) <= TERMINATION_MESSAGE_LIMIT

    if isinstance(outcome, RunResult):
        while not fits(outcome) and outcome.warnings:
            kept = (
                [*outcome.warnings[:-2], "There were more warnings: see result.json."]
                if len(outcome.warnings) > 1
                else []
            )
            outcome = outcome.model_copy(update={"warnings": kept})
        if not fits(outcome):
            outcome = outcome.model_copy(
                update={
                    "seconds": {key: value for key, value in outcome.seconds.items() if key == "total"},
                    "metrics": {key: value for key, value in outcome.metrics.items() if key.startswith("accuracy")},
                }
            )
    else:
        while not fits(outcome):
            outcome = outcome.model_copy(update={"message": outcome.message[: len(outcome.message) * 3 // 4] + "…"})
    return text(outcome)


def end_at_signals(interruption: Interruption) -> None:
    """End the process at SIGTERM and Ctrl-C: at once, or when those who attend to that have kept what they did.

    A second signal does not wait for them. The manifest and the result are written last, so nothing half done counts.
    Threads inherit the mask, so this comes before any library starts one.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)

    def wait() -> None:
        number = signal.sigwait(ENDING_SIGNALS)
        interruption.tell()
        last = time.monotonic() + FAREWELL_SECONDS
        while interruption.is_attended() and time.monotonic() < last:
            if signal.sigpending() & ENDING_SIGNALS:
                break
            time.sleep(0.02)
        with contextlib.suppress(OSError):
            os.write(2, f"Stopped by {signal.Signals(number).name}; nothing was published.\n".encode())
        os._exit(128 + number)

    threading.Thread(target=wait, name="signals", daemon=True).start()


def settle_environment() -> None:
    """Keep libraries within the container: its processors, and the one folder that can be written."""
    os.environ.setdefault("OMP_NUM_THREADS", str(machine.threads()))
    # OpenMP's threads spin while they wait, and so take the processor from whoever else needs it: two runs side by side
    # on two processors were ten times slower; a step cost 0.35 s of processor time without spinning, 0.45 to 1.0 s
    # with it. Torch reads it once, when it is imported: this module must not.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    temporary = tempfile.gettempdir()
    home = os.environ.get("HOME", "")
    if not home or not os.access(home, os.W_OK):
        os.environ["HOME"] = temporary
    for variable in ("TORCH_HOME", "XDG_CACHE_HOME"):
        os.environ.setdefault(variable, f"{temporary}/cache")
