"""Checkpoints: what an interrupted run left, what is made of it, and what is wrong with it."""

import json
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transfermodel_operator.api import RunRequest, RunResult
from transfermodel_trainer import checkpoints as module
from transfermodel_trainer.checkpoints import Checkpoints
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.run import execute
from transfermodel_trainer.training import rows as rows_module
from transfermodel_trainer.training.rows import Rows

from tests.support import datasets

Write = Callable[[str, dict[str, bytes]], str]
Make = Callable[..., RunRequest]

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(3), "c": torch.tensor([], dtype=torch.uint8)}


class Interrupted(BaseException):
    """Ends a run where a signal would."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def opened(folder: Path, request: RunRequest, inputs: str = "i", device: str = "cpu") -> Checkpoints:
    found = Checkpoints.of({"TRANSFERMODEL_CHECKPOINTS": str(folder)}, Progress())
    assert found is not None
    found.open(request, inputs, device)
    return found


@pytest.fixture
def asked(request_for: Make) -> RunRequest:
    return request_for("file:///data")


def equal(found: dict[str, Tensor], expected: dict[str, Tensor]) -> bool:
    return found.keys() == expected.keys() and all(
        found[key].dtype == value.dtype and torch.equal(found[key], value) for key, value in expected.items()
    )


def test_what_was_saved_is_loaded(folder: Path, asked: RunRequest, capsys: pytest.CaptureFixture[str]) -> None:
    assert opened(folder, asked).save("epochs", TENSORS, [{"loss": 0.1}])
    saved = opened(folder, asked).load("epochs")
    assert saved is not None
    assert equal(saved.tensors, TENSORS)
    assert saved.facts == [{"loss": 0.1}]
    assert opened(folder, asked).load("other") is None
    assert "checkpoint" not in capsys.readouterr().out, "nothing to say"
    assert {path.name for path in folder.iterdir()} == {"checkpoint.json", "checkpoint-epochs.safetensors"}


def test_off_unless_a_folder_is_named() -> None:
    assert Checkpoints.of({}, Progress(quiet=True)) is None
    assert Checkpoints.of({"TRANSFERMODEL_CHECKPOINTS": ""}, Progress(quiet=True)) is None


@pytest.mark.parametrize("where", [0, 8, 100, -1])
def test_a_flipped_byte_is_noticed(
    folder: Path, asked: RunRequest, capsys: pytest.CaptureFixture[str], where: int
) -> None:
    opened(folder, asked).save("epochs", TENSORS, None)
    path = folder / "checkpoint-epochs.safetensors"
    content = bytearray(path.read_bytes())
    content[where] ^= 1
    path.write_bytes(content)
    assert opened(folder, asked).load("epochs") is None
    assert f"The checkpoint {path} is damaged: it is not used." in capsys.readouterr().out
    assert not path.exists()


@pytest.mark.parametrize("size", [0, 7, 40, 500])
def test_a_cut_file_is_noticed(folder: Path, asked: RunRequest, capsys: pytest.CaptureFixture[str], size: int) -> None:
    opened(folder, asked).save("epochs", {"a": torch.zeros(1000)}, None)
    path = folder / "checkpoint-epochs.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    assert opened(folder, asked).load("epochs") is None
    assert "is damaged" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "{}", '{"identity": {}, "seconds": {"total": "x"}}'])
def test_an_owner_that_cannot_be_read(
    folder: Path, asked: RunRequest, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    opened(folder, asked).save("epochs", TENSORS, None)
    (folder / "checkpoint.json").write_text(text)
    assert opened(folder, asked).load("epochs") is None
    assert f"The checkpoint {folder} cannot be read: it is not used." in capsys.readouterr().out


def changed(request: RunRequest, **training: Any) -> RunRequest:
    return request.model_copy(update={"training": request.training.model_copy(update=training)})


def test_those_of_another_run_are_removed_with_a_sentence(
    folder: Path, asked: RunRequest, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(request: RunRequest, inputs: str = "i", device: str = "cpu") -> str:
        kept = opened(folder, asked)
        kept.save("epochs", TENSORS, None)
        kept.save("train 00000", TENSORS, None)
        capsys.readouterr()
        assert opened(folder, request, inputs, device).load("epochs") is None
        assert [path.name for path in folder.iterdir()] == ["checkpoint.json"]
        return capsys.readouterr().out

    assert "is of another run (another data): it is not used." in said(asked, inputs="j")
    assert "(another training)" in said(changed(asked, seed=1))
    assert "(another run)" in said(asked.model_copy(update={"run": "1" * 64}))
    assert "(another device)" in said(asked, device="cuda (NVIDIA)")
    kept = opened(folder, asked)
    kept.save("epochs", TENSORS, None)
    monkeypatch.setattr(module, "version", lambda name: "0.0")
    assert opened(folder, asked).load("epochs") is None
    assert "(another libraries)" in capsys.readouterr().out


def test_more_time_is_no_other_run(folder: Path, asked: RunRequest) -> None:
    opened(folder, asked).save("epochs", TENSORS, None)
    assert opened(folder, changed(asked, max_duration_seconds=9)).load("epochs") is not None


def test_nothing_else_in_the_folder_is_touched(folder: Path, asked: RunRequest) -> None:
    kept = opened(folder, asked)
    kept.save("epochs", TENSORS, None)
    (folder / "model.safetensors").write_bytes(b"the user's")
    kept.remove()
    assert [path.name for path in folder.iterdir()] == ["model.safetensors"]


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file grow: as on a full disk, but for the error's number."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_is_said_once_and_the_last_one_stays(
    folder: Path, asked: RunRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = opened(folder, asked)
    assert kept.save("epochs", TENSORS, 1)
    with full_disk():
        assert not kept.save("epochs", TENSORS, 2)
        assert not kept.save("epochs", TENSORS, 3)
    said = capsys.readouterr().out
    assert said.count("no checkpoint can be written") == 1
    assert "File too large" in said
    saved = opened(folder, asked).load("epochs")
    assert saved is not None
    assert saved.facts == 1


def test_a_folder_that_cannot_be_made(tmp_path: Path, asked: RunRequest, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    kept = opened(tmp_path / "file" / "kept", asked)
    assert not kept.save("epochs", TENSORS, None)
    assert capsys.readouterr().out.count("no checkpoint can be written") == 1


# -- rows


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every part."""
    monkeypatch.setattr(rows_module, "CHUNK_SECONDS", 0.0)


def fill(rows: Rows, *values: float) -> Rows:
    for value in values:
        rows.add(torch.full((2, 3), value))
    return rows


def column(rows: Rows) -> list[float]:
    found: list[float] = rows.all()[:, 0].tolist()
    return found


@pytest.mark.usefixtures("at_once")
def test_rows_go_on(folder: Path, asked: RunRequest, capsys: pytest.CaptureFixture[str]) -> None:
    fill(Rows(opened(folder, asked), "train", 8), 1, 2)
    rows = Rows(opened(folder, asked), "train", 8)
    assert rows.count == 4
    assert "Resuming after 4 of 8 images of train." in capsys.readouterr().out
    fill(rows, 3, 4)
    assert column(rows) == [1, 1, 2, 2, 3, 3, 4, 4]
    assert column(Rows(opened(folder, asked), "train", 8)) == column(rows)
    assert Rows(opened(folder, asked), "test", 8).count == 0


@pytest.mark.usefixtures("at_once")
def test_rows_after_a_gap_are_not_used(folder: Path, asked: RunRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(Rows(opened(folder, asked), "train", 8), 1, 2, 3, 4)
    (folder / "checkpoint-train-00001.safetensors").write_bytes(b"damaged")
    rows = Rows(opened(folder, asked), "train", 8)
    assert rows.count == 2
    # This time one chunk holds two parts: the old chunk behind it begins elsewhere.
    monkeypatch.setattr(rows_module, "CHUNK_SECONDS", 1e9)
    fill(rows, 2)
    monkeypatch.setattr(rows_module, "CHUNK_SECONDS", 0.0)
    fill(rows, 3)
    assert column(Rows(opened(folder, asked), "train", 8)) == [1, 1, 2, 2, 3, 3]


@pytest.mark.usefixtures("at_once")
def test_a_chunk_that_met_a_full_disk_comes_with_the_next(folder: Path, asked: RunRequest) -> None:
    rows = fill(Rows(opened(folder, asked), "train", 8), 1)
    with full_disk():
        fill(rows, 2)
    fill(rows, 3)
    assert column(Rows(opened(folder, asked), "train", 8)) == [1, 1, 2, 2, 3, 3]


def test_chunks_are_not_written_all_the_time(folder: Path, asked: RunRequest) -> None:
    fill(Rows(opened(folder, asked), "train", 8), 1, 2, 3)
    assert [path.name for path in folder.iterdir()] == ["checkpoint.json"]


# -- runs


def interrupted(request: RunRequest, folder: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Run until so many checkpoints are written."""
    left = after
    save = Checkpoints.save

    def save_and_end(self: Checkpoints, name: str, tensors: dict[str, Tensor], facts: Any) -> bool:
        nonlocal left
        done = save(self, name, tensors, facts)
        left -= 1
        if left == 0:
            raise Interrupted
        return done

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, "save", save_and_end)
        with pytest.raises(Interrupted):
            resumed(request, folder)
    # Another process begins with other random numbers.
    torch.manual_seed(12345)
    torch.rand(7)


def resumed(request: RunRequest, folder: Path) -> RunResult:
    return execute(request, {"TRANSFERMODEL_CHECKPOINTS": str(folder)}, Progress())


def tuned(make: Make, train: str, **changes: Any) -> RunRequest:
    """Dropout, BatchNorm's statistics and AdamW's moments all matter here."""
    settings = {"unfreeze": "All", "epochs": 4, "learningRate": "1e-3", "batchSize": 4}
    backbone = {"name": "torchvision/mobilenet_v3_small", "weights": {"scratch": True}, "input": {"size": 32}}
    return make(
        train, **({"training": {"strategy": "FineTuning", "fineTuning": settings}, "backbone": backbone} | changes)
    )


def test_an_interrupted_fine_tuning_ends_with_the_same_bits(
    write: Write, request_for: Make, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train = write("train", datasets.folder(per_class=8))
    whole = execute(tuned(request_for, train, outputUri=f"file://{folder.parent}/whole"), {}, Progress(quiet=True))
    request = tuned(request_for, train)
    interrupted(request, folder, monkeypatch, after=1)
    interrupted(request, folder, monkeypatch, after=2)
    capsys.readouterr()
    result = resumed(request, folder)
    said = capsys.readouterr().out
    assert "Resuming after epoch 3 of 4." in said
    assert "Epoch 3/4" not in said
    assert "Epoch 4/4" in said
    assert result.digest == whole.digest
    assert list(folder.iterdir()) == [], "removed after publishing"


def test_what_was_not_interrupted_is_not_changed_by_checkpoints(
    write: Write, request_for: Make, folder: Path, tmp_path: Path
) -> None:
    request = tuned(request_for, write("train", datasets.folder(per_class=4)))
    elsewhere = request.model_copy(update={"output_uri": f"file://{tmp_path}/other"})
    assert resumed(request, folder).digest == execute(elsewhere, {}, Progress(quiet=True)).digest


@pytest.fixture
def base(write: Write, request_for: Make) -> dict[str, Any]:
    """A backbone to transfer from."""
    result = execute(request_for(write("base", datasets.folder(per_class=4)), name="base"), {}, Progress(quiet=True))
    return {"base": {"transferModel": "base", "version": "v1", "uri": result.uri, "digest": result.digest}}


@pytest.mark.usefixtures("at_once")
def test_an_interrupted_fine_tuning_of_a_base_does_not_solve_its_head_again(
    base: dict[str, Any], write: Write, request_for: Make, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = {"stages": 2, "epochs": 2, "learningRate": "1e-3", "batchSize": 4}
    changes = {"backbone": base, "training": {"strategy": "FineTuning", "fineTuning": settings}}
    train = write("train", datasets.folder(per_class=8))
    whole = execute(
        tuned(request_for, train, outputUri=f"file://{tmp_path}/whole", **changes), {}, Progress(quiet=True)
    )
    request = tuned(request_for, train, **changes)
    interrupted(request, folder, monkeypatch, after=2)  # the features, then the first epoch
    assert (folder / "checkpoint-epochs.safetensors").exists()
    with monkeypatch.context() as patched:
        patched.setattr("transfermodel_trainer.learn.fit_probe", lambda *_, **__: pytest.fail("solved again"))
        assert resumed(request, folder).digest == whole.digest


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("after", [1, 4, 9])
def test_an_interrupted_feature_extraction_goes_on_in_the_middle(
    base: dict[str, Any],
    write: Write,
    request_for: Make,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    after: int,
) -> None:
    monkeypatch.setattr("transfermodel_trainer.training.inference.PIXELS_PER_BATCH", 32 * 32 * 8)
    changes = {"backbone": base, "training": {"strategy": "FeatureExtraction"}}
    train, test = write("train", datasets.folder(per_class=10)), write("test", datasets.folder(per_class=4, first=50))
    whole = execute(
        request_for(train, test=test, outputUri=f"file://{tmp_path}/whole", **changes), {}, Progress(quiet=True)
    )
    request = request_for(train, test=test, **changes)
    interrupted(request, folder, monkeypatch, after)
    capsys.readouterr()
    assert resumed(request, folder).digest == whole.digest
    said = capsys.readouterr().out
    assert f"Resuming after {min(8 * after, 30)} of 30 images of train." in said
    assert ("of train mirrored." in said) == (after > 4)
    assert ("of 12 images of test." in said) == (after > 8)
    assert list(folder.iterdir()) == []


def test_a_damaged_epoch_is_trained_again(
    write: Write, request_for: Make, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train = write("train", datasets.folder(per_class=4))
    request = tuned(request_for, train)
    interrupted(request, folder, monkeypatch, after=2)
    path = folder / "checkpoint-epochs.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    result = resumed(request, folder)
    said = capsys.readouterr().out
    assert "is damaged: it is not used." in said
    assert "Resuming" not in said
    whole = execute(tuned(request_for, train, outputUri=f"file://{folder.parent}/whole"), {}, Progress(quiet=True))
    assert result.digest == whole.digest


def test_a_run_goes_on_when_the_disk_is_full(
    write: Write, request_for: Make, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save = Checkpoints.save

    def save_to_full_disk(self: Checkpoints, *arguments: Any) -> bool:
        with full_disk():
            return save(self, *arguments)

    monkeypatch.setattr(Checkpoints, "save", save_to_full_disk)
    train = write("train", datasets.folder(per_class=4))
    result = resumed(tuned(request_for, train), folder)
    assert capsys.readouterr().out.count("no checkpoint can be written") == 1
    whole = execute(tuned(request_for, train, outputUri=f"file://{folder.parent}/whole"), {}, Progress(quiet=True))
    assert result.digest == whole.digest


def test_what_remains_of_a_published_run_is_removed(
    write: Write, request_for: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = tuned(request_for, write("train", datasets.folder(per_class=4)))
    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, "remove", lambda self: None)  # killed between publishing and removing
        resumed(request, folder)
    assert list(folder.iterdir())
    assert resumed(request, folder).reused
    assert list(folder.iterdir()) == []


def test_time_counts_over_interruptions(
    write: Write, request_for: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = tuned(request_for, write("train", datasets.folder(per_class=4)))
    interrupted(request, folder, monkeypatch, after=1)
    owner = json.loads((folder / "checkpoint.json").read_text())
    assert set(owner["seconds"]) >= {"Data", "Training", "total"}
    owner["seconds"] = {"Data": 100.0, "Training": 900.0, "total": 1000.0}
    (folder / "checkpoint.json").write_text(json.dumps(owner))
    result = resumed(request, folder)
    assert 1000 < result.seconds["total"] < 1100
    assert 900 < result.seconds["Training"] < 1000
