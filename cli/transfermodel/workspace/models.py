"""One model of the workspace: its versions, its last run, its server."""

import contextlib
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from transfermodel_operator.api import RunProgress, RunResult

from transfermodel.modalities import IMAGE, MODALITIES, Modality
from transfermodel.predictions.types import Endpoint
from transfermodel.workspace import files
from transfermodel.workspace.records import RunRecord, ServerRecord, VersionRecord

VERSION_FILE: Final = re.compile(r"v([1-9][0-9]*)(\.json)?")
HOST: Final = "127.0.0.1"


@dataclass(frozen=True)
class LocalVersion:
    """One trained version; never changes."""

    number: int
    folder: Path
    """The artifact; versions/v<number>, where that is a link to it."""
    stored: Path
    """Where the trainer published it."""
    created_at: datetime
    spec: dict[str, Any]
    """The spec that it was trained from, as written."""
    result: RunResult

    @property
    def name(self) -> str:
        """v1, v2, …."""
        return f"v{self.number}"

    @property
    def digest(self) -> str:
        """sha256:… of the artifact's manifest."""
        return self.result.digest

    @property
    def modality(self) -> Modality:
        """What it answers about."""
        return MODALITIES.get(self.spec.get("task", ""), IMAGE)

    @property
    def run(self) -> str:
        """Key of the run that made it."""
        return self.result.run

    @property
    def uri(self) -> str:
        """file:// URI of the artifact."""
        return self.stored.as_uri()


@dataclass(frozen=True)
class LastRun:
    """How the last run stands, or how it ended."""

    run: str
    state: Literal["Running", "Succeeded", "Failed", "Interrupted"]
    progress: RunProgress | None
    reason: str
    """Of a failure, as in docs/reference/reasons.md."""
    message: str
    started_at: datetime
    ended_at: datetime | None
    pid: int | None
    """Of the trainer, while it runs."""
    version: str | None
    """What it came to, such as v2."""


@dataclass(frozen=True)
class RunningServer:
    """A predictor of this machine that is alive."""

    model: str
    pid: int
    port: int
    version: str
    started_at: datetime
    modality: Modality = IMAGE
    """What it answers about."""

    @property
    def url(self) -> str:
        """http://127.0.0.1:<port>."""
        return f"http://{HOST}:{self.port}"

    def endpoint(self) -> Endpoint:
        """Return where to ask."""
        return Endpoint(url=self.url, host=None, model=self.model, modality=self.modality)


@dataclass(frozen=True)
class LocalModel:
    """One TransferModel of the workspace; everything is read when it is asked for."""

    name: str
    namespace: str
    folder: Path
    """Its records."""
    artifacts: Path
    """The workspace's folder of artifacts."""

    @property
    def log_file(self) -> Path:
        """What trainers said: the last run at the end."""
        return self.folder / "run.log"

    @property
    def server_log_file(self) -> Path:
        """What the last server said."""
        return self.folder / "server.log"

    def versions(self) -> list[LocalVersion]:
        """Return all versions, oldest first.

        Raises:
            TransferModelError: a record is damaged.
        """
        return [version for number in self._numbers() if (version := self._read(number)) is not None]

    def newest(self) -> LocalVersion | None:
        """Return the version with the highest number."""
        versions = self.versions()
        return versions[-1] if versions else None

    def current(self) -> LocalVersion | None:
        """Return the version that the last finished run came to, else the newest: an edit may have been taken back."""
        versions = self.versions()
        run = files.read_record(self.folder / "run.json", RunRecord)
        chosen = [version for version in versions if run is not None and version.name == run.version]
        candidates = chosen or versions
        return candidates[-1] if candidates else None

    def last_run(self) -> LastRun | None:
        """Return the last run; one whose process is gone without a word was interrupted."""
        path = self.folder / "run.json"
        record = files.read_record(path, RunRecord)
        if record is not None and record.state == "Running" and not files.is_locked(self.run_lock):
            record = files.read_record(path, RunRecord) or record  # it may have ended between the two looks
            if record.state == "Running":
                record = record.model_copy(update={"state": "Interrupted", "pid": None})
        return None if record is None else LastRun(**dict(record))

    def server(self) -> RunningServer | None:
        """Return what serves now; None: nothing does, or it is not ready yet."""
        if not files.is_locked(self.server_lock):
            return None
        record = files.read_record(self.folder / "server.json", ServerRecord)
        if record is None:
            return None
        match = VERSION_FILE.fullmatch(record.version)
        version = self._read(int(match[1])) if match else None
        modality = version.modality if version else IMAGE
        return RunningServer(model=self.name, modality=modality, **dict(record))

    @property
    def run_lock(self) -> Path:
        """Held while a run goes on."""
        return self.folder / "run.lock"

    @property
    def server_lock(self) -> Path:
        """Held by the predictor while it lives."""
        return self.folder / "server.lock"

    def record_version(self, result: RunResult, artifact: str, spec: dict[str, Any]) -> LocalVersion:
        """Return the version of a result: the one that records it already, or a new one."""
        for version in reversed(self.versions()):
            recorded = version.result
            if (recorded.run, recorded.inputs_digest, recorded.digest) == (
                result.run,
                result.inputs_digest,
                result.digest,
            ):
                return version
        number = max(self._numbers(), default=0) + 1
        record = VersionRecord(created_at=datetime.now(UTC), artifact=artifact, spec=spec, result=result)
        files.write_record(self._version_file(number), record)
        link = self.folder / "versions" / f"v{number}"
        with contextlib.suppress(OSError):  # a convenience: the trainer's folders have names that nobody can type
            link.symlink_to(os.path.relpath(self.artifacts / artifact, link.parent))
        return self._version(number, record)

    def write_run(self, record: RunRecord) -> None:
        """Record how the run stands."""
        files.write_record(self.folder / "run.json", record)

    def forget_server(self) -> None:
        """Remove what speaks of the last server; whoever calls this holds server.lock."""
        (self.folder / "server.json").unlink(missing_ok=True)

    def write_server(self, record: ServerRecord) -> None:
        """Record what serves."""
        files.write_record(self.folder / "server.json", record)

    def _numbers(self) -> list[int]:
        """Return the numbers of all versions, of those too whose record is damaged or gone: none is given twice."""
        folder = self.folder / "versions"
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        return sorted({int(match[1]) for name in names if (match := VERSION_FILE.fullmatch(name))})

    def _version_file(self, number: int) -> Path:
        return self.folder / "versions" / f"v{number}.json"

    def _read(self, number: int) -> LocalVersion | None:
        record = files.read_record(self._version_file(number), VersionRecord)
        return None if record is None else self._version(number, record)

    def _version(self, number: int, record: VersionRecord) -> LocalVersion:
        stored, link = self.artifacts / record.artifact, self.folder / "versions" / f"v{number}"
        return LocalVersion(
            number=number,
            folder=link if link.is_dir() and link.samefile(stored) else stored,
            stored=stored,
            created_at=record.created_at,
            spec=record.spec,
            result=record.result,
        )
