"""The JSON files of a workspace."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from transfermodel_operator.api import RunProgress, RunResult


class Record(BaseModel):
    """camelCase on disk; what a newer version adds is ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, extra="ignore", frozen=True
    )


class VersionRecord(Record):
    """versions/v<number>.json: written once."""

    created_at: datetime
    artifact: str
    """The artifact's folder, below the workspace's folder of artifacts: the whole may be moved."""
    spec: dict[str, Any] = {}
    """The spec that it was trained from, as written."""
    result: RunResult


class RunRecord(Record):
    """run.json: the last run."""

    run: str
    state: Literal["Running", "Succeeded", "Failed", "Interrupted"]
    started_at: datetime
    ended_at: datetime | None = None
    pid: int | None = None
    """Of the trainer."""
    progress: RunProgress | None = None
    reason: str = ""
    message: str = ""
    version: str | None = None
    """What it came to."""


class ServerRecord(Record):
    """server.json: what serves; true only while server.lock is held."""

    pid: int
    port: int
    version: str
    started_at: datetime
