"""The engine of one machine with the real trainer: versions, edits, failures, and runs that end before their time."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from transfermodel.documents import Document
from transfermodel.errors import DataInvalid, RunFailed, TransferModelError
from transfermodel.local import Trained, train
from transfermodel.workspace import LocalModel, Workspace
from transfermodel_operator.api import RunProgress

from tests.support.library import document, write_data, write_images, yaml_of
from tests.support.waiting import wait_for

MANY_EPOCHS = "{strategy: FineTuning, fineTuning: {unfreeze: All, epochs: 40, batchSize: 8}}"
TWO_EPOCHS = "{strategy: FineTuning, fineTuning: {unfreeze: All, epochs: 2}}"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace, beside train/ and test/."""
    write_data(tmp_path)
    return Workspace(tmp_path / "work")


def trained_v1(workspace: Workspace, asked: Document) -> Trained:
    """Train and expect the first version."""
    trained = train(asked, workspace)
    assert (trained.version.name, trained.unchanged, trained.resumed) == ("v1", False, False)
    return trained


def is_alive(pid: int) -> bool:
    """Tell whether a process runs, one that its parent has yet to bury not counted."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return not state.strip().startswith("Z")


def test_a_run_leaves_a_version_and_nothing_half_done(workspace: Workspace, tmp_path: Path) -> None:
    heard: list[RunProgress] = []
    lines: list[str] = []
    asked = document(tmp_path)
    trained = train(asked, workspace, on_progress=heard.append, on_line=lines.append)
    version, model = trained.version, trained.model
    assert (version.name, trained.unchanged, trained.resumed) == ("v1", False, False)
    assert version.result.metrics_split == "test"
    assert version.result.counts.classes == 3
    assert version.spec == asked.manifest["spec"]
    for name in ("model.onnx", "model.safetensors", "model.json", "metrics.json", "report.html", "MODEL_CARD.md"):
        assert (version.folder / name).stat().st_size > 0, name
    percents = [progress.percent for progress in heard]
    assert percents == sorted(percents)
    assert {progress.phase for progress in heard} >= {"Data", "Training", "Publishing"}
    assert any(line.startswith("Accuracy ") for line in lines)
    log = model.log_file.read_text()
    assert all(line in log for line in lines)
    assert '{"progress"' not in log
    run = model.last_run()
    assert run is not None
    assert (run.state, run.version, run.pid) == ("Succeeded", "v1", None)
    assert {path.name for path in model.folder.iterdir()} == {
        "outcome.json", "run.json", "run.lock", "run.log", "versions"
    }  # fmt: skip


def test_only_what_changed_is_trained(workspace: Workspace, tmp_path: Path) -> None:
    first = trained_v1(workspace, document(tmp_path))
    again = train(document(tmp_path), workspace)
    assert (again.version, again.unchanged) == (first.version, True)
    serving = train(document(tmp_path, more="  serving: {maxReplicas: 2}"), workspace)
    assert (serving.version, serving.unchanged) == (first.version, True)

    edited = train(document(tmp_path, training=TWO_EPOCHS), workspace)
    assert (edited.version.name, edited.unchanged) == ("v2", False)
    taken_back = train(document(tmp_path), workspace)
    assert (taken_back.version, taken_back.unchanged) == (first.version, True)
    assert taken_back.model.current() == first.version
    assert taken_back.model.newest() == edited.version

    shutil.copytree(workspace.root, tmp_path / "copy", symlinks=True)
    copied = train(document(tmp_path), Workspace(tmp_path / "copy"))
    assert (copied.version.name, copied.unchanged) == ("v1", True)
    assert copied.version.folder.resolve().is_relative_to(tmp_path / "copy")

    write_images(tmp_path / "train", first=50, per_class=1)
    more_data = train(document(tmp_path), workspace)
    assert (more_data.version.name, more_data.unchanged) == ("v3", False)
    assert more_data.version.run == first.version.run
    assert more_data.version.result.inputs_digest != first.version.result.inputs_digest


def test_what_was_deleted_is_made_again(workspace: Workspace, tmp_path: Path) -> None:
    first = trained_v1(workspace, document(tmp_path))
    (first.version.folder / "model.onnx").unlink()
    mended = train(document(tmp_path), workspace)
    assert (mended.version, mended.unchanged) == (first.version, False)
    assert (mended.version.folder / "model.onnx").is_file()
    (first.model.folder / "versions" / "v1.json").unlink()  # the artifact is still there
    found = train(document(tmp_path), workspace)
    assert found.unchanged
    assert found.version.digest == first.version.digest


def test_a_model_starts_from_another_of_the_workspace(workspace: Workspace, tmp_path: Path) -> None:
    base = trained_v1(workspace, document(tmp_path, "base"))
    asked = document(
        tmp_path, "customer", backbone="{fromTransferModel: base}", training="{strategy: FeatureExtraction}"
    )
    customer = trained_v1(workspace, asked)
    assert customer.version.result.base_digest == base.version.digest
    assert train(asked, workspace).unchanged
    newer = train(document(tmp_path, "base", training=TWO_EPOCHS), workspace)
    again = train(asked, workspace)
    assert (again.version.name, again.version.result.base_digest) == ("v2", newer.version.digest)


def test_folders_may_have_any_name(workspace: Workspace, tmp_path: Path) -> None:
    names = {"red": "C#", "green": "größe 100%", "blue": "a+b & [c]"}
    for part in ("train", "test"):
        (tmp_path / part).rename(tmp_path / f"{part} %41 #1")
        for colour, name in names.items():
            (tmp_path / f"{part} %41 #1" / colour).rename(tmp_path / f"{part} %41 #1" / name)
    data = "{train: {uri: 'train %41 #1'}, test: {uri: './test %41 #1'}}"
    trained = trained_v1(workspace, document(tmp_path, data=data))
    assert trained.version.result.counts.model_dump() == {
        "classes": 3, "train": 25, "validation": 11, "test": 18, "skipped": 0
    }  # fmt: skip


def test_data_that_cannot_be_learned_is_a_sentence(workspace: Workspace, tmp_path: Path) -> None:
    data = "{train: {uri: train/red}}"
    with pytest.raises(DataInvalid) as raised:
        train(document(tmp_path, data=data), workspace)
    assert "train/red" in str(raised.value)
    assert "file://" not in str(raised.value)
    run = workspace.model("colours").last_run()
    assert run is not None
    assert (run.state, run.message, run.version) == ("Failed", str(raised.value), None)
    assert run.reason
    assert workspace.model("colours").versions() == []


def test_an_empty_folder_is_a_sentence(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataInvalid, match=r"nothing under empty: check the path, and put one folder per class"):
        train(document(tmp_path, data="{train: {uri: empty}}"), workspace)


def during_training(workspace: Workspace, act: Callable[[LocalModel, int], None]) -> Callable[[RunProgress], None]:
    """Return an on_progress that acts once, when training has begun; it is given the trainer's process."""
    done: list[bool] = []

    def on_progress(progress: RunProgress) -> None:
        if progress.phase == "Training" and not done:
            done.append(True)
            model = workspace.model("colours")
            run = model.last_run()
            assert run is not None
            assert run.state == "Running"
            assert run.pid is not None
            act(model, run.pid)

    return on_progress


def state_of_run(workspace: Workspace) -> str:
    """Return how the last run stands."""
    run = workspace.model("colours").last_run()
    assert run is not None
    return run.state


def test_a_second_run_of_the_same_model_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    refusals: list[str] = []

    def run_again(model: LocalModel, pid: int) -> None:
        with pytest.raises(TransferModelError) as raised:
            train(document(tmp_path, training=TWO_EPOCHS), workspace)
        refusals.append(str(raised.value))

    trained = train(document(tmp_path), workspace, on_progress=during_training(workspace, run_again))
    assert trained.version.name == "v1"
    assert refusals == [
        f"Another run of colours is going on in {workspace.root}. Wait for it or stop it there; another "
        "--workspace DIR is independent of it."
    ]


def test_a_trainer_that_is_killed_most_likely_ran_out_of_memory(workspace: Workspace, tmp_path: Path) -> None:
    kill = during_training(workspace, lambda model, pid: os.kill(pid, signal.SIGKILL))
    with pytest.raises(RunFailed, match=r"was killed; most likely .* out of memory\. Close other programs"):
        train(document(tmp_path, training=MANY_EPOCHS), workspace, on_progress=kill)
    assert state_of_run(workspace) == "Failed"


def test_a_trainer_that_is_stopped_from_outside_is_interrupted(workspace: Workspace, tmp_path: Path) -> None:
    stop = during_training(workspace, lambda model, pid: os.kill(pid, signal.SIGTERM))
    with pytest.raises(RunFailed, match="was stopped by SIGTERM"):
        train(document(tmp_path, training=MANY_EPOCHS), workspace, on_progress=stop)
    assert state_of_run(workspace) == "Interrupted"


def test_an_error_of_the_caller_ends_the_trainer(workspace: Workspace, tmp_path: Path) -> None:
    pids: list[int] = []

    def fail(model: LocalModel, pid: int) -> None:
        pids.append(pid)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train(document(tmp_path, training=MANY_EPOCHS), workspace, on_progress=during_training(workspace, fail))
    assert not is_alive(pids[0])
    assert not (workspace.model("colours").folder / "scratch").exists()


PROGRAM = """
import signal, sys, transfermodel
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
transfermodel.run(sys.argv[1], workspace=sys.argv[2])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_ends_its_trainer_and_is_resumed(
    workspace: Workspace, tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "model.yaml").write_text(yaml_of(training=MANY_EPOCHS))
    parent = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "model.yaml"), str(workspace.root)],
        stderr=(tmp_path / "stderr").open("w"),
        start_new_session=True,
    )

    def trainer_after_an_epoch() -> int | None:
        assert parent.poll() is None, (tmp_path / "stderr").read_text()
        model = workspace.find("colours")
        run = model.last_run() if model else None
        return run.pid if run and run.progress and (run.progress.epoch or 0) >= 2 else None

    pid = wait_for(trainer_after_an_epoch, timeout_seconds=120, what="two epochs", interval_seconds=0.05)
    assert pid is not None
    parent.send_signal(number)
    assert parent.wait(60) != 0
    wait_for(lambda: not is_alive(pid), timeout_seconds=30, what="the trainer has ended")
    wait_for(lambda: state_of_run(workspace) == "Interrupted", timeout_seconds=30, what="its lock is free")
    assert workspace.model("colours").versions() == []

    epochs: list[int] = []
    resumed = train(
        document(tmp_path, training=MANY_EPOCHS),
        workspace,
        on_progress=lambda progress: epochs.append(progress.epoch or 0) if progress.phase == "Training" else None,
    )
    assert (resumed.version.name, resumed.resumed, resumed.unchanged) == ("v1", True, False)
    assert 1 not in epochs
    assert max(epochs) == 40


FULL_DISK = """
    import sys
    import transfermodel
    from transfermodel.local import training

    document = transfermodel.transfer_model(
        "colours", train=sys.argv[1] + "/train", weights="scratch", input_size=32, fine_tuning={"epochs": 1}
    )
    for least in (training.LEAST_FREE_BYTES, 0):
        training.LEAST_FREE_BYTES = least
        try:
            transfermodel.run(document, workspace=sys.argv[2], quiet=True)
        except transfermodel.TransferModelError as error:
            print(error)
"""


def test_a_full_disk_is_a_sentence_before_and_during(workspace: Workspace, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    # A small disk of its own, as any user may have one in a namespace of their own.
    inside = ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c"]
    mount = f"mount -t tmpfs -o size=20m tmpfs '{disk}'"
    if not shutil.which("unshare") or subprocess.run([*inside, mount], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    program = [sys.executable, "-c", textwrap.dedent(FULL_DISK), str(tmp_path), str(disk / "work")]
    ended = subprocess.run(
        [*inside, f'{mount} && exec "$@"', "bash", *program], capture_output=True, text=True, check=False
    )
    before, during = ended.stdout.splitlines()
    assert before.startswith("Only 20 MB are free on the disk of"), ended.stderr
    assert during.startswith("No space is left on the disk of"), ended.stderr
    assert "Free some" in before
    assert "Free some" in during
