"""This machine's models through `status`, `describe`, `versions`, `logs`, `report` and `doctor`."""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from transfermodel.workspace import Workspace
from transfermodel.workspace.records import RunRecord
from transfermodel_cli import log_files
from transfermodel_cli.main import run
from transfermodel_operator.api import RunProgress, RunResult

LOG = '{"progress": {"phase": "Training", "percent": 40}}\n{"progress": {"phase": "Training", "percent": 40}}\nDone.\n'


def result(accuracy: str) -> RunResult:
    """What a run came to."""
    return RunResult.model_validate(
        {
            "run": accuracy,
            "inputsDigest": "i",
            "dataDigest": "d",
            "uri": "file:///artifact",
            "digest": f"sha256:{accuracy}",
            "metrics": {"accuracy": accuracy, "accuracyLow": "0.70", "accuracyHigh": "0.99"},
            "metricsSplit": "test",
            "estimated": False,
            "counts": {"classes": 3, "train": 30, "test": 12},
            "seconds": {"total": 7.5},
            "device": "cpu",
            "int8": {"accuracy": "0.895"} if accuracy == "0.90" else {"refusal": "It is worse."},
        }
    )


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with a model that is well, and one that failed; no cluster."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "TRANSFERMODEL_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    made, now = Workspace(), datetime.now(UTC)
    well = made.make("well", "default")
    for accuracy in ("0.80", "0.90"):
        version = well.record_version(result(accuracy), f"artifact-{accuracy}", {})
        version.folder.mkdir(parents=True)
        (version.folder / "report.html").write_text(f"<!doctype html>{accuracy}")
    well.write_run(RunRecord(run="0.90", state="Succeeded", started_at=now, ended_at=now, version="v2"))
    well.log_file.write_text(LOG)
    failed = made.make("failed", "default")
    failed.write_run(
        RunRecord(
            run="r",
            state="Failed",
            started_at=now,
            ended_at=now,
            reason="EmptyClass",
            message="The class yellow is empty.",
            progress=RunProgress(phase="Data", percent=3),
        )
    )
    failed.log_file.write_text("Failed: EmptyClass: The class yellow is empty.\n")
    return made


def test_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", "well", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["where"], shown["stage"], shown["version"], shown["accuracy"]) == ("local", "Trained", "v2", "0.90")
    assert run(["status", "failed"]) == 6
    text = capsys.readouterr().out
    assert "The class yellow is empty." in text
    assert "transfermodel run -f FILE" in text
    assert run(["status", "--json"]) == 0
    assert [model["name"] for model in json.loads(capsys.readouterr().out)["models"]] == ["failed", "well"]
    assert run(["status"]) == 0
    assert "90.0 %" in capsys.readouterr().out


def test_describe_shows_the_last_lines_of_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["describe", "failed"]) == 6
    assert "Failed: EmptyClass" in capsys.readouterr().out
    assert run(["describe", "well", "--json"]) == 0
    assert [version["name"] for version in json.loads(capsys.readouterr().out)["versions"]] == ["v1", "v2"]


def test_versions(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(["versions", "well", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["versions"]
    assert [(version["name"], version["state"]) for version in shown] == [("v1", "Retired"), ("v2", "Candidate")]
    assert run(["versions", "well"]) == 0
    assert "90.0 % (70.0 to 99.0)" in capsys.readouterr().out
    assert [version["int8"] for version in shown] == ["refused", "0.895"]
    monkeypatch.setenv("COLUMNS", "122")
    assert run(["versions", "well"]) == 0
    newest, older = capsys.readouterr().out.splitlines()[1:3]
    assert ("89.5 %" in newest, "refused" in older) == (True, True)


def test_logs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["logs", "well"]) == 0
    assert capsys.readouterr().out.splitlines() == [" 40 %  Training", "Done."]
    assert run(["logs", "well", "--json", "--tail", "1"]) == 0
    assert json.loads(capsys.readouterr().out) == {"line": "Done."}
    assert run(["logs", "well", "--serve"]) == 4
    assert run(["logs", "well", "--operator"]) == 2
    assert run(["logs", "well", "--run", "--serve"]) == 2


def test_report(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["report", "well", "--no-open"]) == 0
    assert Path(capsys.readouterr().out.strip()).read_text().endswith("0.90")
    assert run(["report", "well", "--version", "v1", "--out", "copy.html"]) == 0
    assert (tmp_path / "copy.html").read_text().endswith("0.80")
    capsys.readouterr()
    assert run(["report", "well", "--version", "v7"]) == 4
    assert "There are: v1, v2." in capsys.readouterr().err
    assert run(["report", "well", "--out", "no/such/folder.html"]) == 2


def test_an_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("status", "describe", "versions", "logs", "report"):
        assert run([command, "unknown"]) == 4
        assert "Here are: failed, well." in capsys.readouterr().err


def test_doctor_of_a_machine_without_a_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json"]) == 0
    findings = {finding["subject"]: finding for finding in json.loads(capsys.readouterr().out)["findings"]}
    assert findings["Kubernetes"]["level"] == "ok"
    assert findings["torch"]["level"] == "ok"
    assert run(["doctor", "--cluster"]) == 6
    assert "No cluster is configured" in capsys.readouterr().out


def test_following_a_file_reads_what_is_added_until_its_writer_ends(tmp_path: Path) -> None:
    file, asked = tmp_path / "log", threading.Event()
    file.write_text("one\ntw")
    answers = iter([True, False])

    def goes_on() -> bool:
        answer = next(answers)
        if not answer:
            with file.open("a") as log:
                log.write("o\nthree")
            asked.set()
        return answer

    assert list(log_files.follow(file, goes_on)) == ["one", "two", "three"]
    assert asked.is_set()
