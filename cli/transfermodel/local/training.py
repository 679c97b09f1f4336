"""One run of the trainer, from a document to a version of the workspace."""

import json
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Final
from urllib.parse import unquote, urlsplit

from pydantic import TypeAdapter, ValidationError
from transfermodel_operator.api import RunFailure, RunProgress, RunResult

from transfermodel.documents.types import Document
from transfermodel.errors import RunFailed, TransferModelError
from transfermodel.local import failures, process
from transfermodel.local.request import Prepared, prepare
from transfermodel.workspace import LocalModel, LocalVersion, Workspace, files
from transfermodel.workspace.records import RunRecord

LEAST_FREE_BYTES: Final = 500_000_000
"""An artifact of a ResNet-18 is 90 MB, and for a moment there are two copies of it."""
LOG_LIMIT_BYTES: Final = 1_000_000
"""A longer log is begun anew."""
RECORD_SECONDS: Final = 1.0
"""Between two records of the progress."""
STOPPED_BY_SIGTERM: Final = (128 + signal.SIGTERM, -signal.SIGTERM)

OUTCOME: Final[TypeAdapter[RunResult | RunFailure]] = TypeAdapter(RunResult | RunFailure)

OnProgress = Callable[[RunProgress], None]
OnLine = Callable[[str], None]


@dataclass(frozen=True)
class Trained:
    """What a run came to."""

    model: LocalModel
    version: LocalVersion
    unchanged: bool
    """Nothing was trained: the version was there already."""
    resumed: bool
    """An interrupted run was continued."""


def train(
    document: Document,
    workspace: Workspace,
    *,
    on_progress: OnProgress = lambda progress: None,
    on_line: OnLine = lambda line: None,
) -> Trained:
    """Train a document, or find that its version is there already.

    Args:
        document: what to train; what it starts from must be trained before.
        workspace: where everything is kept.
        on_progress: called with every step of progress.
        on_line: called with every line for people.

    Raises:
        TransferModelError: with the sentence for the user.
        KeyboardInterrupt: Ctrl-C; the trainer has ended, and the next call continues.
    """
    process.check_installed("transfermodel_trainer", "torch")
    prepared = prepare(document, workspace)
    model = workspace.make(document.name, document.namespace)
    refusal = TransferModelError(
        f"Another run of {document.name} is going on in {workspace.root}.",
        "Wait for it or stop it there; another --workspace DIR is independent of it.",
    )
    with failures.full_disk_told(model.folder), files.locked(model.run_lock, refusal) as lock:
        if not any(version.run == prepared.request.run for version in model.versions()):
            check_space(workspace)
        for note in prepared.notes:
            on_line(note)
        return Run(document, model, prepared, on_progress, on_line).execute(lock)


def check_space(workspace: Workspace) -> None:
    """Raise RunFailed when the disk is all but full, before any time is spent."""
    free = shutil.disk_usage(workspace.root).free
    if free < LEAST_FREE_BYTES:
        raise RunFailed(
            f"Only {free // 1_000_000} MB are free on the disk of {workspace.root}; a run needs about "
            f"{LEAST_FREE_BYTES // 1_000_000} MB.",
            "Free some, or use another folder: --workspace DIR.",
        )


class Run:
    """One trainer process and what is known of it."""

    def __init__(
        self, document: Document, model: LocalModel, prepared: Prepared, on_progress: OnProgress, on_line: OnLine
    ) -> None:
        """Nothing is started yet."""
        self.document, self.model, self.prepared = document, model, prepared
        self.on_progress, self.on_line = on_progress, on_line
        self.outcome_file = model.folder / "outcome.json"
        self.scratch = model.folder / "scratch"
        self.checkpoints = model.folder / "checkpoints"
        self.resumed = False
        self.published = False
        self.recorded_at = 0.0
        self.record = RunRecord(run=prepared.request.run, state="Running", started_at=datetime.now(UTC))

    def execute(self, lock: IO[bytes]) -> Trained:
        """Run the trainer to its end, and record what it came to.

        Raises:
            TransferModelError: the run failed.
            KeyboardInterrupt: it was interrupted.
        """
        try:
            result = self._run_trainer(lock)
            version = self._to_version(result)
        except TransferModelError as error:
            state = "Interrupted" if isinstance(error, Stopped) else "Failed"
            self._finish(state, message=str(error))
            raise
        except BaseException:
            self._finish("Interrupted")
            raise
        shutil.rmtree(self.checkpoints, ignore_errors=True)  # of runs that an edit abandoned, too
        self._finish("Succeeded", version=version.name)
        return Trained(self.model, version, unchanged=not self.published, resumed=self.resumed)

    def _run_trainer(self, lock: IO[bytes]) -> RunResult:
        """Start the trainer, listen until it ends, and return its result."""
        self.outcome_file.unlink(missing_ok=True)
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()
        log = self.model.log_file
        if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
            log.unlink()
        self._log(f"--- {self.record.started_at:%Y-%m-%d %H:%M:%S} UTC, run {self.record.run[:8]}")
        child = process.start("transfermodel_trainer", self._environment(), log, keep=[lock], read=True)
        try:
            self._update(pid=child.pid)
            assert child.stdout is not None  # noqa: S101 - it was asked for
            for line in child.stdout:
                self._hear(line.rstrip("\n"))
            code = child.wait()
        finally:
            process.stop(child)
            shutil.rmtree(self.scratch, ignore_errors=True)
        return self._outcome(code)

    def _environment(self) -> dict[str, str]:
        """Return the trainer's environment: but for the user's caches, all that it writes stays in the workspace."""
        return process.trainer_environment(self.prepared.request) | {
            "TRANSFERMODEL_TERMINATION_LOG": str(self.outcome_file),
            "TRANSFERMODEL_CHECKPOINTS": str(self.checkpoints),
            "TMPDIR": str(self.scratch),
        }

    def _hear(self, line: str) -> None:
        """Tell one line of the trainer apart: progress, or words for people."""
        if line.startswith('{"progress":'):
            try:
                progress = RunProgress.model_validate(json.loads(line)["progress"])
            except (ValueError, ValidationError):
                return
            self.published = self.published or progress.phase == "Publishing"
            if time.monotonic() - self.recorded_at > RECORD_SECONDS:
                self._update(progress=progress)
            self.on_progress(progress)
            return
        self.resumed = self.resumed or line.startswith("Resuming ")
        self._log(line)
        if not line.startswith("Done: "):  # a long URI; the caller says where things are
            self.on_line(line)

    def _outcome(self, code: int) -> RunResult:
        """Return the result that the trainer left. Raises TransferModelError for any other end."""
        log = self.model.log_file
        if code in STOPPED_BY_SIGTERM:
            raise Stopped("The trainer was stopped by SIGTERM.", "Run it again: it continues where it was.")
        try:
            outcome = OUTCOME.validate_json(self.outcome_file.read_bytes())
        except (OSError, ValidationError) as error:
            raise failures.silent_end(code, log) from error
        if isinstance(outcome, RunFailure):
            self._update(reason=str(outcome.reason))
            raise failures.error_of(outcome, self.prepared.written, log)
        return outcome

    def _to_version(self, result: RunResult) -> LocalVersion:
        # Not by the whole URI: of a workspace that was copied it still leads to the first one.
        mine = f"{self.model.namespace}/{self.model.name}/runs/"
        artifact = mine + unquote(urlsplit(result.uri).path).rpartition(f"/{mine}")[2]
        return self.model.record_version(result, artifact, dict(self.document.manifest["spec"]))

    def _log(self, line: str) -> None:
        with self.model.log_file.open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    def _update(self, **changes: object) -> None:
        self.recorded_at = time.monotonic()
        self.record = self.record.model_copy(update=changes)
        self.model.write_run(self.record)

    def _finish(self, state: str, **changes: object) -> None:
        self._update(state=state, ended_at=datetime.now(UTC), pid=None, **changes)


class Stopped(RunFailed):
    """Somebody else ended the trainer; the next run continues."""
