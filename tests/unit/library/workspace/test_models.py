"""Versions, runs and servers: recorded once, read whole, true only while their process lives."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
from transfermodel.errors import TransferModelError
from transfermodel.workspace import LocalModel, Workspace, files
from transfermodel.workspace.records import RunRecord, ServerRecord

from tests.support.library import run_result

pytestmark = pytest.mark.unit
NOW = datetime(2026, 1, 2, tzinfo=UTC)
ARTIFACT = "default/digits/runs/a/b/artifact/c"


@pytest.fixture
def model(tmp_path: Path) -> LocalModel:
    """A model with an artifact."""
    workspace = Workspace(tmp_path / "work")
    (workspace.artifacts / ARTIFACT).mkdir(parents=True)
    return workspace.make("digits", "default")


def run_record(
    state: Literal["Running", "Succeeded", "Failed", "Interrupted"], version: str | None = None
) -> RunRecord:
    """Return a record of a run."""
    return RunRecord(run="a", state=state, started_at=NOW, pid=1, version=version)


def test_a_result_is_recorded_once(model: LocalModel) -> None:
    result = run_result("file:///x")
    first = model.record_version(result, ARTIFACT, {"task": "ImageClassification"})
    again = model.record_version(result.model_copy(update={"reused": True}), ARTIFACT, {})
    assert again == first
    assert first.name == "v1"
    assert first.result == result
    assert first.spec == {"task": "ImageClassification"}
    assert model.versions() == [first]


@pytest.mark.parametrize("changed", [{"run": "0" * 64}, {"inputs_digest": "0" * 64}, {"digest": "sha256:0"}])
def test_another_run_other_inputs_or_another_artifact_is_a_new_version(
    model: LocalModel, changed: dict[str, str]
) -> None:
    result = run_result("file:///x")
    model.record_version(result, ARTIFACT, {})
    second = model.record_version(result.model_copy(update=changed), ARTIFACT, {})
    assert [version.name for version in model.versions()] == ["v1", "v2"]
    assert model.newest() == second


def test_versions_are_in_the_order_of_their_numbers(model: LocalModel) -> None:
    for number in range(11):
        model.record_version(run_result("file:///x", run=str(number)), ARTIFACT, {})
    assert [version.number for version in model.versions()] == list(range(1, 12))


def test_the_current_version_is_that_of_the_last_run(model: LocalModel) -> None:
    assert model.current() is None
    first = model.record_version(run_result("file:///x"), ARTIFACT, {})
    second = model.record_version(run_result("file:///x", run="0"), ARTIFACT, {})
    assert model.current() == second
    model.write_run(run_record("Succeeded", "v1"))  # an edit was taken back
    assert model.current() == first
    model.write_run(run_record("Succeeded", "v9"))
    assert model.current() == second
    model.write_run(run_record("Failed"))
    assert model.current() == second


def test_a_version_has_a_link_that_can_be_typed(model: LocalModel) -> None:
    version = model.record_version(run_result("file:///x"), ARTIFACT, {})
    assert version.folder == model.folder / "versions" / "v1"
    assert version.folder.samefile(version.stored)
    assert version.uri == (model.artifacts / ARTIFACT).as_uri()


def test_the_workspace_may_be_moved(model: LocalModel, tmp_path: Path) -> None:
    (model.artifacts / ARTIFACT / "model.onnx").write_text("weights")
    model.record_version(run_result("file:///x"), ARTIFACT, {})
    shutil.move(tmp_path / "work", tmp_path / "moved")
    version = Workspace(tmp_path / "moved").model("digits").newest()
    assert version is not None
    assert (version.folder / "model.onnx").read_text() == "weights"
    assert version.uri.startswith((tmp_path / "moved").as_uri())


@pytest.mark.parametrize("content", ["", "{", '{"createdAt": "2026-01-02T00:00:00Z"}', "\N{SNOWMAN}"])
def test_a_damaged_version_is_a_sentence_and_its_number_is_not_given_again(model: LocalModel, content: str) -> None:
    first = model.record_version(run_result("file:///x"), ARTIFACT, {})
    model.record_version(run_result("file:///x", run="0"), ARTIFACT, {})
    record = model.folder / "versions" / "v2.json"
    record.write_text(content)
    with pytest.raises(TransferModelError, match=r"v2\.json is damaged: .+\. Move it away"):
        model.versions()
    with pytest.raises(TransferModelError, match="is damaged"):
        model.record_version(run_result("file:///x", run="1"), ARTIFACT, {})
    assert record.read_text() == content
    record.unlink()
    assert model.versions() == [first]
    assert model.record_version(run_result("file:///x", run="1"), ARTIFACT, {}).name == "v3"


def test_bytes_that_are_no_text_are_a_sentence(model: LocalModel) -> None:
    (model.folder / "run.json").write_bytes(b"\xff\xfe")
    with pytest.raises(TransferModelError, match=r"run\.json is damaged"):
        model.last_run()


def test_what_a_newer_program_adds_is_ignored(model: LocalModel) -> None:
    model.record_version(run_result("file:///x"), ARTIFACT, {})
    record = model.folder / "versions" / "v1.json"
    record.write_text(record.read_text().replace("{", '{"added": 1,', 1))
    assert [version.name for version in model.versions()] == ["v1"]


def test_a_run_goes_on_only_while_its_lock_is_held(model: LocalModel) -> None:
    assert model.last_run() is None
    lock = files.try_lock(model.run_lock)
    assert lock is not None
    model.write_run(run_record("Running"))
    running = model.last_run()
    lock.close()
    gone = model.last_run()
    assert running is not None
    assert gone is not None
    assert (running.state, running.pid) == ("Running", 1)
    assert (gone.state, gone.pid) == ("Interrupted", None)


def test_a_server_is_there_only_while_its_lock_is_held(model: LocalModel) -> None:
    model.write_server(ServerRecord(pid=1, port=8080, version="v1", started_at=NOW))
    assert model.server() is None
    with files.locked(model.server_lock, TransferModelError("refused")):
        server = model.server()
        assert server is not None
        assert (server.url, server.version, server.endpoint().model) == ("http://127.0.0.1:8080", "v1", "digits")
        model.forget_server()
        assert model.server() is None


def test_a_lock_is_refused_with_the_given_sentence_and_free_after_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = files.try_lock(path)
    assert holder is not None
    assert files.is_locked(path)
    assert files.try_lock(path, patience_seconds=0) is None
    holder.close()
    assert not files.is_locked(path)
    with files.locked(path, TransferModelError("refused")), pytest.raises(TransferModelError, match="refused"):
        files.locked(path, TransferModelError("refused")).__enter__()


def test_a_file_that_cannot_be_put_in_place_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "record.json" / "in the way").mkdir(parents=True)
    with pytest.raises(OSError, match="record"):
        files.write_whole(tmp_path / "record.json", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]
