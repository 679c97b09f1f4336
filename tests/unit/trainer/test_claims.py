"""pvc://: a mounted claim, of which nothing but its own plain files is read."""

import os
from pathlib import Path

import pytest
from transfermodel_operator.api import Reason
from transfermodel_trainer.data import claims
from transfermodel_trainer.data.fetch import fetch
from transfermodel_trainer.data.sources import look_up
from transfermodel_trainer.data.spool import Spool
from transfermodel_trainer.errors import RunError

from tests.support import datasets

Root = Path


@pytest.fixture
def claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Root:
    """The folder of the claim "photos"; beside it lies what nobody may read."""
    monkeypatch.setattr(claims, "CLAIMS_FOLDER", str(tmp_path / "pvc"))
    root = tmp_path / "pvc" / "photos"
    root.mkdir(parents=True)
    (tmp_path / "pvc" / "photos-secret").mkdir()
    (tmp_path / "pvc" / "photos-secret" / "1.png").write_bytes(b"hidden")
    return root


def put(root: Root, files: datasets.Files) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def refused(uri: str, reason: Reason = Reason.DATA_INVALID) -> str:
    with pytest.raises(RunError) as caught:
        look_up("train", uri, {})
    assert caught.value.reason is reason
    return caught.value.message


@pytest.mark.parametrize("kind", ["folder", "archive", "index"])
def test_what_lies_in_a_claim(claim: Root, tmp_path: Path, kind: str) -> None:
    files = datasets.folder(per_class=2)
    put(claim, {f"odd #1 %20/{name}": content for name, content in files.items()})
    put(claim, {"packed.zip": datasets.zip_archive(files)})
    table = "file,label\n" + "".join(f"odd #1 %20/{name},{name.split('/')[0]}\n" for name in files)
    put(claim, {"table.csv": table.encode()})
    uri = {"folder": "odd #1 %20/", "archive": "packed.zip", "index": "./table.csv"}[kind]
    source = look_up("train", f"pvc://photos/{uri}", {})
    spool = Spool(tmp_path)
    found = fetch(source, spool, tmp_path, lambda _: None)
    contents = {sample.name.removeprefix("odd #1 %20/"): spool.read(sample.position) for sample in found.samples}
    assert contents == files
    assert source.digest() == look_up("train", f"pvc://photos/{uri}", {}).digest()


def test_links_within_a_claim_are_followed(claim: Root) -> None:
    put(claim, datasets.folder(("red", "blue"), per_class=1))
    put(claim, {"store/1.png": b"x"})
    (claim / "data").mkdir()
    (claim / "data" / "red").symlink_to(claim / "red")
    (claim / "data" / "blue").mkdir()
    (claim / "data" / "blue" / "1.png").symlink_to("../../store/1.png")
    source = look_up("train", "pvc://photos/data", {})
    assert [entry.path for entry in source.objects] == ["blue/1.png", "red/000.png"]


@pytest.mark.parametrize(
    ("link", "target"),
    [("red/evil.png", "{outside}/1.png"), ("red/evil.png", "../../photos-secret/1.png"), ("evil", "{outside}")],
    ids=["a file", "a relative path", "a folder"],
)
def test_a_link_out_of_a_claim_is_refused(claim: Root, link: str, target: str) -> None:
    put(claim, datasets.folder(("red", "blue"), per_class=1))
    (claim / link).symlink_to(target.format(outside=claim.parent / "photos-secret"))
    said = refused("pvc://photos/")
    assert f"pvc://photos/{link}" in said
    assert "is a link that leads out of the claim" in said


def test_a_link_out_of_a_claim_is_refused_by_name(claim: Root, tmp_path: Path) -> None:
    put(claim, {"a.png": b"x", "table.csv": b"file,label\na.png,a\nevil.png,b\n"})
    (claim / "evil.png").symlink_to(claim.parent / "photos-secret" / "1.png")
    (claim / "evil.zip").symlink_to(claim.parent / "photos-secret" / "1.png")
    (claim / "evil").symlink_to(claim.parent / "photos-secret")
    assert "pvc://photos/evil.png is a link" in refused("pvc://photos/table.csv")
    assert "pvc://photos/evil.zip is a link" in refused("pvc://photos/evil.zip")
    assert "pvc://photos/evil/1.png is a link" in refused("pvc://photos/evil")


def test_a_file_that_becomes_a_link_is_refused_when_it_is_read(claim: Root, tmp_path: Path) -> None:
    put(claim, datasets.folder(("red", "blue"), per_class=1))
    source = look_up("train", "pvc://photos", {})
    (claim / "red" / "000.png").unlink()
    (claim / "red" / "000.png").symlink_to(claim.parent / "photos-secret" / "1.png")
    with pytest.raises(RunError, match="is a link that leads out of the claim"):
        fetch(source, Spool(tmp_path), tmp_path, lambda _: None)


def test_a_pipe_is_not_waited_for(claim: Root) -> None:
    put(claim, {"a.png": b"x", "table.csv": b"file,label\na.png,a\npipe.png,b\n"})
    os.mkfifo(claim / "pipe.png")
    assert "pvc://photos/pipe.png is no plain file" in refused("pvc://photos/table.csv")


def test_names_that_cannot_be_listed(claim: Root) -> None:
    put(claim, datasets.folder(("red", "blue"), per_class=1))
    (claim / "red" / "around").symlink_to("..")
    assert "pvc://photos holds what cannot be listed" in refused("pvc://photos", Reason.DATA_NOT_FOUND)
    (claim / "red" / "around").unlink()
    Path(os.fsdecode(bytes(claim) + b"/red/caf\xe9.png")).write_bytes(b"x")
    assert "pvc://photos holds what cannot be listed" in refused("pvc://photos", Reason.DATA_NOT_FOUND)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("pvc://photos/../photos-secret", "leads out of the claim"),
        ("pvc://photos/a/../../photos-secret/", "leads out of the claim"),
        ("pvc://../photos-secret", "names no claim"),
        ("pvc://photos..secret/x", "names no claim"),
        ("pvc:///photos", "names no claim"),
        ("pvc://Photos", "names no claim"),
        ("pvc://photos/../photos-secret/x.zip", "leads out of the claim"),
        ("pvc://other/x", "is not mounted here: only a cluster has claims"),
        ("pvc://photos/absent", "there is nothing under pvc://photos/absent"),
        ("pvc://photos/absent.zip", "pvc://photos/absent.zip does not exist"),
        ("pvc://photos/absent.csv", "pvc://photos/absent.csv does not exist"),
        ("pvc://table.csv", "names no file"),
    ],
)
def test_what_is_no_place_in_a_claim(claim: Root, uri: str, said: str) -> None:
    assert said in refused(uri, Reason.DATA_NOT_FOUND)
