"""Checkpoints: what an interrupted run left, what is made of it, and what is wrong with it."""

import json
import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transfermodel_operator.api import RunRequest
from transfermodel_predictor.artifact.errors import StorageAccessDenied
from transfermodel_predictor.artifact.storage import Storage, open_store
from transfermodel_trainer import checkpoints as module
from transfermodel_trainer.checkpoints import Checkpoints, content, origin
from transfermodel_trainer.progress import Progress

Make = Callable[..., RunRequest]

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(3), "c": torch.tensor([], dtype=torch.uint8)}
FIRST, SECOND, THIRD = (f"checkpoint-epochs-{number:06}.safetensors" for number in (1, 2, 3))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def opened(folder: Path, request: RunRequest, inputs: str = "i", device: str = "cpu") -> Checkpoints:
    found = Checkpoints.of({"TRANSFERMODEL_CHECKPOINTS": str(folder)}, Progress(), lambda _: pytest.fail("elsewhere"))
    found.open(request, inputs, device)
    return found


@pytest.fixture
def asked(request_for: Make) -> RunRequest:
    return request_for("file:///data")


def equal(found: dict[str, Tensor], expected: dict[str, Tensor]) -> bool:
    return found.keys() == expected.keys() and all(
        found[key].dtype == value.dtype and torch.equal(found[key], value) for key, value in expected.items()
    )


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_was_saved_is_loaded(folder: Path, asked: RunRequest, capsys: pytest.CaptureFixture[str]) -> None:
    assert opened(folder, asked).save("epochs", TENSORS, [{"loss": 0.1}])
    saved = opened(folder, asked).load("epochs")
    assert saved is not None
    assert equal(saved.tensors, TENSORS)
    assert saved.facts == [{"loss": 0.1}]
    assert opened(folder, asked).load("other") is None
    assert "checkpoint" not in capsys.readouterr().out, "nothing to say"
    assert names(folder) == {"checkpoint.json", FIRST}


def test_without_a_folder_they_lie_beside_the_run(tmp_path: Path, asked: RunRequest) -> None:
    def beside(name: str) -> Storage:
        return open_store(f"{tmp_path.as_uri()}/run/{name}", {})

    kept = Checkpoints.of({}, Progress(quiet=True), beside)
    kept.open(asked, "i", "cpu")
    assert kept.save("epochs", TENSORS, 1)
    assert names(tmp_path / "run/checkpoints") == {"checkpoint.json", FIRST}


def test_the_last_two_are_kept(folder: Path, asked: RunRequest) -> None:
    kept = opened(folder, asked)
    for number in range(3):
        assert kept.save("epochs", TENSORS, number)
    assert kept.save("other", TENSORS, "other")
    assert names(folder) == {"checkpoint.json", SECOND, THIRD, "checkpoint-other-000001.safetensors"}
    saved = opened(folder, asked).load("epochs")
    assert saved is not None
    assert saved.facts == 2


def flipped(path: Path, where: int) -> None:
    content = bytearray(path.read_bytes())
    content[where] ^= 1
    path.write_bytes(content)


def cut(path: Path, end: int) -> None:
    path.write_bytes(path.read_bytes()[:end])


DAMAGES: dict[str, Callable[[Path], None]] = {
    "the header's length": lambda path: flipped(path, 0),
    "the header": lambda path: flipped(path, 40),
    "what it says of the run": lambda path: flipped(path, path.read_bytes().index(b"squeezenet")),
    "the last byte of the tensors": lambda path: flipped(path, -1),
    "empty": lambda path: cut(path, 0),
    "cut in the header": lambda path: cut(path, 100),
    "cut in the tensors": lambda path: cut(path, -1),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_one_leads_to_the_one_before(
    folder: Path, asked: RunRequest, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    kept = opened(folder, asked)
    kept.save("epochs", TENSORS, 1)
    kept.save("epochs", {key: value + 1 for key, value in TENSORS.items()}, 2)
    DAMAGES[damage](folder / SECOND)
    again = opened(folder, asked)
    saved = again.load("epochs")
    assert f"The checkpoint {folder.as_uri()}/{SECOND} is damaged: it is not used." in capsys.readouterr().out
    assert saved is not None
    assert (saved.facts, equal(saved.tensors, TENSORS)) == (1, True)
    assert again.save("epochs", TENSORS, 3)
    assert names(folder) == {"checkpoint.json", FIRST, SECOND}, "the damaged one takes no other's place"

    for path in (FIRST, SECOND):
        DAMAGES[damage](folder / path)
    assert opened(folder, asked).load("epochs") is None


def test_the_newest_may_be_gone(folder: Path, asked: RunRequest) -> None:
    kept = opened(folder, asked)
    kept.save("epochs", TENSORS, 1)
    kept.save("epochs", TENSORS, 2)
    again = opened(folder, asked)
    (folder / SECOND).unlink()
    saved = again.load("epochs")
    assert saved is not None
    assert saved.facts == 1


@pytest.mark.parametrize("text", [None, "", "{}", '{"identity": {}, "seconds": {"total": "x"}}'])
def test_a_checkpoint_says_itself_whose_it_is(folder: Path, asked: RunRequest, text: str | None) -> None:
    kept = opened(folder, asked)
    kept.progress.resume({"Training": 100.0, "total": 100.0})
    kept.save("epochs", TENSORS, 1)
    (folder / "checkpoint.json").unlink()
    if text is not None:
        (folder / "checkpoint.json").write_text(text)
    again = opened(folder, asked)
    assert again.progress.elapsed() < 100
    assert again.load("epochs") is not None
    assert 100 < again.progress.elapsed() < 200
    assert again.load("epochs") is not None
    assert again.progress.elapsed() < 200, "counted once"

    (folder / "checkpoint.json").unlink()
    assert opened(folder, changed(asked, seed=1)).load("epochs") is None


def changed(request: RunRequest, **training: Any) -> RunRequest:
    return request.model_copy(update={"training": request.training.model_copy(update=training)})


def test_those_of_another_run_are_removed_with_a_sentence(
    folder: Path, asked: RunRequest, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(request: RunRequest, inputs: str = "i") -> str:
        kept = opened(folder, asked)
        kept.save("epochs", TENSORS, None)
        kept.save("other", TENSORS, None)
        capsys.readouterr()
        assert opened(folder, request, inputs).load("epochs") is None
        assert names(folder) == {"checkpoint.json"}
        return capsys.readouterr().out

    assert "are of another run (another data): they are not used." in said(asked, inputs="j")
    assert "(another training)" in said(changed(asked, seed=1))
    assert "(another run)" in said(asked.model_copy(update={"run": "1" * 64}))
    monkeypatch.setattr(origin, "FORMAT", 0)
    kept = opened(folder, asked)
    kept.save("epochs", TENSORS, None)
    monkeypatch.undo()
    assert opened(folder, asked).load("epochs") is None
    assert "(another format)" in capsys.readouterr().out


def test_another_machine_goes_on_and_says_so(
    folder: Path, asked: RunRequest, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(folder, asked).save("epochs", TENSORS, None)
    assert opened(folder, asked, device="cuda (NVIDIA)").load("epochs") is not None
    assert "was written with another device: the run goes on from it, but may end with other bits" in (
        capsys.readouterr().out
    )
    monkeypatch.setattr(origin, "version", lambda name: "0.0")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX1024")
    assert opened(folder, asked).load("epochs") is not None
    assert "another threads and instruction set and libraries" in capsys.readouterr().out


def test_more_time_is_no_other_run(folder: Path, asked: RunRequest) -> None:
    opened(folder, asked).save("epochs", TENSORS, None)
    assert opened(folder, changed(asked, max_duration_seconds=9)).load("epochs") is not None
    assert opened(folder, changed(asked, checkpoint_interval_seconds=9)).load("epochs") is not None


def test_nothing_else_in_the_folder_is_touched(folder: Path, asked: RunRequest) -> None:
    kept = opened(folder, asked)
    kept.save("epochs", TENSORS, None)
    (folder / f"{SECOND}#1").write_bytes(b"of a process that was killed")
    (folder / "model.safetensors").write_bytes(b"the user's")
    kept.remove()
    assert names(folder) == {"model.safetensors"}


def test_after_removal_nothing_is_written(folder: Path, asked: RunRequest) -> None:
    kept = opened(folder, asked)
    kept.remove()
    assert not kept.save("epochs", TENSORS, None)
    assert names(folder) == set()


def test_later_means_what_it_was_now(folder: Path, asked: RunRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, may_write, tensors = opened(folder, asked), threading.Event(), {"a": torch.zeros(4), "b": torch.zeros(2, 2).T}
    write = content.write

    def write_slowly(*arguments: Any) -> None:
        assert may_write.wait(30)
        write(*arguments)

    monkeypatch.setattr(module, "write", write_slowly)
    assert kept.save_later("epochs", tensors, 1)
    for tensor in tensors.values():
        tensor += 7
    assert not kept.save_later("epochs", tensors, 2), "one at a time"
    may_write.set()
    assert kept.save("other", tensors, 3), "waits for the one before"
    saved = opened(folder, asked).load("epochs")
    assert saved is not None
    assert (saved.facts, float(saved.tensors["a"].sum()), float(saved.tensors["b"].sum())) == (1, 0, 0)


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
    assert kept.load("epochs") is None
    assert capsys.readouterr().out.count("Warning: no checkpoint can be") == 1


def test_storage_that_takes_no_checkpoint(
    folder: Path, asked: RunRequest, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(self: Storage, path: str, data: bytes | Path) -> None:
        raise StorageAccessDenied("Access to write checkpoints is denied.")

    monkeypatch.setattr(Storage, "put", denied)
    kept = opened(folder, asked)
    assert not kept.save("epochs", TENSORS, None)
    assert kept.save_later("epochs", TENSORS, None)
    kept.remove()
    assert capsys.readouterr().out.count("no checkpoint can be written (Access to write checkpoints is denied.)") == 1


def test_the_time_spent_is_kept_before_there_is_a_checkpoint(
    folder: Path, asked: RunRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLOCK_SECONDS", 0.01)
    kept = opened(folder, asked)
    kept.progress.resume({"Data": 1000.0, "total": 1000.0})
    deadline = threading.Event()
    for _ in range(1000):
        if json.loads((folder / "checkpoint.json").read_text())["seconds"]["total"] > 1000:
            break
        deadline.wait(0.01)
    assert opened(folder, asked).progress.elapsed() > 1000
    kept.remove()
