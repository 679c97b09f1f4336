"""Recorded processes: found, judged and ended by identity. These start real ones, as short as they can be."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devcluster.errors import ProcessError
from devcluster.processes import Identity, Process, Supervisor


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    """With records of its own; what it started is ended."""
    made = Supervisor(tmp_path / "records", tmp_path / "logs")
    yield made
    for name in made.running():
        made.stop(name, grace_seconds=0)


def sleeper(*, seconds: int = 60, healthy: bool = True, files: tuple[Path, ...] = ()) -> Process:
    """A process that does nothing."""
    return Process("sleeper", ("sleep", str(seconds)), lambda: healthy, files)


def test_an_equal_process_is_not_started_again(supervisor: Supervisor) -> None:
    assert supervisor.ensure(sleeper())
    before = supervisor.running()
    assert not supervisor.ensure(sleeper())
    assert supervisor.running() == before


def test_another_command_replaces_the_process(supervisor: Supervisor) -> None:
    supervisor.ensure(sleeper(seconds=60))
    (before,) = supervisor.running().values()
    assert supervisor.ensure(sleeper(seconds=61))
    assert list(supervisor.running().values()) != [before]
    assert Identity.of(before) is None


def test_changed_configuration_replaces_the_process(supervisor: Supervisor, tmp_path: Path) -> None:
    file = tmp_path / "configuration"
    file.write_text("a")
    supervisor.ensure(sleeper(files=(file,)))
    assert not supervisor.ensure(sleeper(files=(file,)))
    file.write_text("b")
    assert supervisor.ensure(sleeper(files=(file,)))


def test_a_killed_process_is_started_again(supervisor: Supervisor) -> None:
    supervisor.ensure(sleeper())
    pid = supervisor.running()["sleeper"]
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    assert supervisor.ensure(sleeper())
    assert supervisor.is_running("sleeper")


def test_a_process_that_ends_is_reported_with_its_log(supervisor: Supervisor) -> None:
    command = (sys.executable, "-c", "print('no such flag'); raise SystemExit(3)")
    with pytest.raises(ProcessError, match=r"ended right after its start; the end of .*\n.*no such flag"):
        supervisor.ensure(Process("broken", command, lambda: False))


def test_a_process_that_does_not_answer_is_reported(supervisor: Supervisor) -> None:
    with pytest.raises(ProcessError, match="did not answer within 0 s"):
        supervisor.ensure(sleeper(healthy=False), timeout_seconds=0.1)


def test_a_reused_id_is_neither_taken_for_ours_nor_ended(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.ensure(sleeper())
    (record,) = (tmp_path / "records").glob("*.json")
    supervisor.stop("sleeper")
    with subprocess.Popen(["sleep", "60"]) as foreign:
        try:
            identity = Identity.of(foreign.pid)
            assert identity is not None
            stale = {"pid": identity.pid, "startTicks": identity.start_ticks - 1, "boot": identity.boot}
            record.write_text(json.dumps(stale | {"fingerprint": sleeper().fingerprint(), "command": []}))
            assert not supervisor.is_running("sleeper")
            supervisor.stop("sleeper")
            assert identity.is_running()
        finally:
            foreign.kill()


def test_a_record_of_an_earlier_boot_is_stale(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.ensure(sleeper())
    (file,) = (tmp_path / "records").glob("*.json")
    content = json.loads(file.read_text())
    file.write_text(json.dumps(content | {"boot": "another"}))
    assert not supervisor.is_running("sleeper")
    file.write_text(json.dumps(content))
    assert supervisor.is_running("sleeper")


def test_a_process_that_ignores_the_request_to_end_is_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    script = f"trap '' TERM; touch {ready}; while :; do read -t 1 < /dev/zero; done"
    supervisor.ensure(Process("stubborn", ("bash", "-c", script), ready.exists))
    supervisor.stop("stubborn", grace_seconds=0.2)
    assert supervisor.running() == {}
