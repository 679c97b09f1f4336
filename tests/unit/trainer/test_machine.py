"""What is not everywhere: processor affinity, cgroups, a termination log. On Linux the tests take it away."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from transfermodel_operator.api import FailureClass, Reason, RunFailure
from transfermodel_trainer import machine, main

FAILURE = RunFailure(failure=FailureClass.RUN, reason=Reason.RUN_FAILED, message="x")


def test_threads_without_affinity_and_cgroups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(machine, "CGROUP_V2", tmp_path / "absent")
    monkeypatch.setattr(machine, "CGROUP_V1", tmp_path / "absent")
    monkeypatch.setattr(os, "cpu_count", lambda: 10)
    assert machine.threads() == 10
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert machine.threads() == 1


def test_outside_a_container_no_last_words_are_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(main.TERMINATION_LOG_VARIABLE, raising=False)
    monkeypatch.setattr(main, "TERMINATION_LOG", f"{tmp_path}/absent")
    main.write_outcome(FAILURE)
    assert not list(tmp_path.iterdir()), "root could have made it"
    assert capsys.readouterr().err == ""
    (tmp_path / "absent").touch()
    main.write_outcome(FAILURE)
    assert "RunFailed" in (tmp_path / "absent").read_text()
    monkeypatch.setenv(main.TERMINATION_LOG_VARIABLE, f"{tmp_path}/named")
    main.write_outcome(FAILURE)
    assert (tmp_path / "named").exists()


def test_scratch_is_removed(tmp_path: Path) -> None:
    folder = machine.scratch_folder()
    assert folder.parent == tmp_path
    (folder / "deep").mkdir()
    (folder / "deep" / "file").write_text("x")
    machine.remove_scratch()
    assert not folder.exists()


def test_nothing_starts_threads_before_the_signals_are_masked() -> None:
    """Threads that a library starts before would take SIGTERM's default action, and the exit code with it."""
    code = "import os, sys, transfermodel_trainer.main; print({'numpy', 'torch', 'onnxruntime'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert answer.stdout.strip() == "set()"
