"""A first file: what is found, what is chosen, what is written, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from transfermodel.documents import Document, Target, load, local_path
from transfermodel.errors import DataInvalid, DocumentInvalid, TransferModelError, UsageError
from transfermodel.starter import Started, start
from transfermodel.starter.choosing import name_of, size_of

from tests.support.datasets import Files, folder, picture

COLOURS = folder(per_class=4)


def put(root: Path, files: Files) -> Path:
    """Write files below a folder; return it."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def below(name: str, files: Files) -> dict[str, bytes]:
    """Return the files in a sub-folder."""
    return {f"{name}/{path}": content for path, content in files.items()}


def started(root: Path, out: Path, **options: object) -> tuple[Started, Document]:
    """Return what was written, and the valid document that it is."""
    found = start(root, out=out, **({"scratch": True} | options))  # type: ignore[arg-type]
    (document,) = load(out, Target.LOCAL)
    assert document.name == found.name
    return found, document


def test_class_folders(tmp_path: Path) -> None:
    root = put(tmp_path / "My Photos (2)", COLOURS)
    found, document = started(root, tmp_path / "a.yaml")
    assert found.name == "my-photos-2"
    assert found.found.counts == {"train": {"blue": 4, "green": 4, "red": 4}}
    assert str(found.found.median) == "32 pixels"
    assert document.spec.data.test is None
    assert local_path(document.spec.data.train.uri, document.folder) == root
    assert "# 12 images in 3 classes (blue 4, green 4, red 4), most of about 32 pixels." in found.text


def test_split_folders(tmp_path: Path) -> None:
    files = below("Train", COLOURS) | below("val", folder(per_class=2)) | below("testing", folder(per_class=3))
    _, document = started(put(tmp_path / "colours", files | {"README.md": b""}), tmp_path / "a.yaml")
    data = document.spec.data
    assert data.validation is not None
    assert data.test is not None
    assert (data.train.uri, data.validation.uri, data.test.uri) == ("colours/Train", "colours/val", "colours/testing")


def test_what_is_not_used_is_said(tmp_path: Path) -> None:
    files = below("train", COLOURS | {"seen.png": picture("red", 1)}) | below("old", COLOURS) | {"README.md": b""}
    found, _ = started(put(tmp_path / "colours", files), tmp_path / "a.yaml")
    train = tmp_path / "colours" / "train"
    assert found.found.notes == (
        f"Beside the class folders of {train} lies 1 image that will be ignored, such as seen.png: "
        "move what counts into a class folder.",
        "old beside train is not used.",
        "1 file beside train is not used, such as README.md.",
    )
    assert "# Note: old beside train is not used." in found.text


def test_systems_own_files_are_nothing(tmp_path: Path) -> None:
    files = COLOURS | {".DS_Store": b"x", "Thumbs.db": b"x", "__MACOSX/red/a.png": b"x", ".cache/a/b.png": b"x"}
    found, _ = started(put(tmp_path / "colours", files), tmp_path / "a.yaml")
    assert found.found.labels == ["blue", "green", "red"]
    assert found.found.notes == ()


@pytest.mark.parametrize("name", ["labels.csv", "labels.jsonl"])
def test_an_index_file(tmp_path: Path, name: str) -> None:
    root = put(tmp_path / "colours", {f"images/{path.replace('/', '-')}": content for path, content in COLOURS.items()})
    rows = [{"image_path": f"images/{path.replace('/', '-')}", "species": path.split("/")[0]} for path in COLOURS]
    if name.endswith(".csv"):
        text = "image_path,species\n" + "".join(f"{row['image_path']},{row['species']}\n" for row in rows)
    else:
        text = "".join(json.dumps(row) + "\n" for row in rows)
    (root / name).write_text(text)
    found, document = started(root / name, tmp_path / "a.yaml")
    assert found.name == "labels"
    assert found.found.counts == {"train": {"blue": 4, "green": 4, "red": 4}}
    assert document.spec.data.train.uri == f"colours/{name}"
    assert document.spec.data.format is not None
    assert document.manifest["spec"]["data"]["format"] == {"pathColumn": "image_path", "labelColumn": "species"}


def test_a_folder_with_index_files(tmp_path: Path) -> None:
    root = put(tmp_path / "colours", {f"images/{path.replace('/', '-')}": content for path, content in COLOURS.items()})
    rows = "".join(f"images/{path.replace('/', '-')},{path.split('/')[0]}\n" for path in COLOURS)
    for split in ("train", "test"):
        (root / f"{split}.csv").write_text(f"file,label\n{rows}")
    _, document = started(root, tmp_path / "a.yaml")
    assert document.spec.data.train.uri == "colours/train.csv"
    assert document.spec.data.test is not None
    assert document.spec.data.format is None


def test_columns_are_known_by_what_they_hold(tmp_path: Path) -> None:
    root = put(tmp_path / "colours", COLOURS)
    rows = "".join(f"{number},{path},{path.split('/')[0]}\n" for number, path in enumerate(COLOURS))
    (root / "all.csv").write_text(f"id,where,what\n{rows}")
    found, _ = started(root / "all.csv", tmp_path / "a.yaml")
    assert found.found.columns is not None
    assert (found.found.columns.content, found.found.columns.label) == ("where", "what")


def test_scratch_trains_everything(tmp_path: Path) -> None:
    _, document = started(put(tmp_path / "colours", COLOURS), tmp_path / "a.yaml")
    assert document.spec.backbone.weights is not None
    assert document.spec.backbone.weights.scratch
    assert document.spec.training.fine_tuning is not None
    assert document.spec.training.fine_tuning.unfreeze == "All"


def test_weights_of_ones_own(tmp_path: Path) -> None:
    weights = tmp_path / "own.safetensors"
    weights.touch()
    _, document = started(put(tmp_path / "colours", COLOURS), tmp_path / "a.yaml", scratch=False, weights=weights)
    assert document.spec.backbone.weights is not None
    assert document.spec.backbone.weights.uri == "own.safetensors"
    assert document.spec.training.strategy == "FeatureExtraction"


def test_another_model_as_the_start(tmp_path: Path) -> None:
    root = put(tmp_path / "colours", COLOURS)
    _, document = started(root, tmp_path / "a.yaml", scratch=False, base="colours-base")
    assert document.spec.backbone.to_wire() == {"fromTransferModel": "colours-base"}


def test_with_many_images_fine_tuning_is_tried(tmp_path: Path) -> None:
    weights = tmp_path / "own.safetensors"
    weights.touch()
    one = picture("red", 0)
    many = {f"{label}/{index}.png": one for label in ("a", "b") for index in range(200)}
    _, document = started(put(tmp_path / "many", many), tmp_path / "a.yaml", scratch=False, weights=weights)
    assert document.spec.training.strategy == "Auto"


def test_odd_names_stay_what_they_are(tmp_path: Path) -> None:
    root = put(tmp_path / 'a "b": #c\n- d', {f"yes: {path}": content for path, content in COLOURS.items()})
    _, document = started(root, tmp_path / "a.yaml", name="odd")
    assert local_path(document.spec.data.train.uri, document.folder) == root


def test_paths_far_away_are_absolute(tmp_path: Path) -> None:
    root = put(tmp_path / "colours", COLOURS)
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    _, document = started(root, deep / "a.yaml")
    assert document.spec.data.train.uri == str(root)
    _, document = started(root, tmp_path / "a" / "near.yaml")
    assert document.spec.data.train.uri == "../colours"


def test_nothing_is_written_over(tmp_path: Path) -> None:
    root, out = put(tmp_path / "colours", COLOURS), tmp_path / "a.yaml"
    out.write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        start(root, out=out, scratch=True)
    assert out.read_text() == "mine"
    started(root, out, force=True)


BAD: dict[str, tuple[Files, str]] = {
    "nothing": ({}, r"The folder .*colours is empty\. Make one sub-folder for each class"),
    "no samples": (
        {"a/notes.pdf": b"x"},
        r"There is no image and no text and no recording in .*colours\. Images are files that end in \.png",
    ),
    "no class folders": ({"1.png": picture("red", 1)}, r"holds 1 image, but no class folders\. Make one sub-folder"),
    "one class": (folder(("red",)), r"holds only one class \(red\); a classifier needs at least two"),
    "one level deeper": (below("all", COLOURS), r"lie one level deeper, in .*all\. transfermodel init .*all"),
    "splits of other names": (
        below("fold1", COLOURS) | below("fold2", COLOURS),
        r"The folders fold1, fold2 .* all hold blue, green, red: they look like splits .* Call them train",
    ),
    "a class without test images": (
        below("train", COLOURS) | below("test", folder(("blue", "green"))),
        r"test has no images of red, which .*train has\. Both must have the same class folders",
    ),
    "a class without training images": (
        below("train", folder(("blue", "green"))) | below("test", COLOURS),
        r"test has images of red, which .*train has not",
    ),
    "a folder of something else": (COLOURS | {"notes/a.txt": b"x"}, r"notes of .*colours holds files, but no images"),
    "broken images": ({"a/1.png": b"x", "b/1.png": b"x"}, r"None of the images can be read, such as .*1\.png"),
    "a table without images": (
        {"a.csv": b"name,kind\nx,y\n"},
        r"No column of .*a\.csv names files or holds texts; it has",
    ),
    "a table with missing images": (
        {"a.csv": b"file,label\nx.png,a\ny.png,b\n"},
        r"2 of 2 files that .*a\.csv lists are not there, such as .*x\.png",
    ),
    "a table without rows": ({"a.csv": b"file,label\n"}, r"a\.csv has no rows"),
    "a table that is none": ({"a.jsonl": b"{"}, r"a\.jsonl cannot be read"),
    "a row without a label": ({"1.png": picture("red", 1), "a.csv": b"file,label\n1.png,\n"}, r"Row 1 of .* no label"),
    "several tables": ({"a.csv": b"x", "b.csv": b"x"}, r"holds several index files: a\.csv, b\.csv\. Name one"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_folders(tmp_path: Path, case: str) -> None:
    files, sentence = BAD[case]
    root = put(tmp_path / "colours", files)
    root.mkdir(exist_ok=True)
    with pytest.raises(DataInvalid if case != "several tables" else UsageError, match=sentence):
        start(root, out=tmp_path / "a.yaml", scratch=True)
    assert not (tmp_path / "a.yaml").exists()


def test_an_empty_folder_among_classes_is_no_class(tmp_path: Path) -> None:
    root = put(tmp_path / "colours", COLOURS)
    (root / "later").mkdir()
    found, _ = started(root, tmp_path / "a.yaml")
    assert found.found.labels == ["blue", "green", "red"]
    assert found.found.notes == (f"later of {root} is empty, so it is no class.",)


def wrong_suffix(root: Path) -> dict[str, object]:
    (root / "a.pth").touch()
    return {"weights": root / "a.pth"}


ARGUMENTS: dict[str, tuple[Callable[[Path], dict[str, object]], type[TransferModelError], str]] = {
    "two starts": (
        lambda root: {"base": "a", "scratch": True},
        UsageError,
        "Only one of --weights, --scratch and --from",
    ),
    "no weights": (lambda root: {"weights": root / "a.safetensors"}, UsageError, "There is no weights file"),
    "a pickle": (wrong_suffix, UsageError, "pickled weights are never loaded"),
    "a bad name": (lambda root: {"name": "My_Name", "scratch": True}, DocumentInvalid, r"Write my-name\."),
    "a bad base": (lambda root: {"base": "My_Name"}, DocumentInvalid, r"spec\.backbone\.fromTransferModel"),
    "a folder that is not there": (
        lambda root: {"out": root / "none" / "a.yaml", "scratch": True},
        UsageError,
        r"There is no folder .*none\. Create it: mkdir -p",
    ),
    "a folder as the file": (lambda root: {"out": root, "scratch": True}, UsageError, "is a folder"),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_bad_arguments(tmp_path: Path, case: str) -> None:
    options, error, sentence = ARGUMENTS[case]
    root = put(tmp_path / "colours", COLOURS)
    with pytest.raises(error, match=sentence):
        start(root, **({"out": tmp_path / "a.yaml"} | options(root)))  # type: ignore[arg-type]


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no folder"):
        start(tmp_path / "none")
    put(tmp_path, {"a.zip": b"x"})
    with pytest.raises(UsageError, match="Unpack it, and name the folder"):
        start(tmp_path / "a.zip", out=tmp_path / "a.yaml")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Flowers", "flowers"),
        ("2024 photos", "model-2024-photos"),
        ("___", "model"),
        ("a" * 50, "a" * 40),
        ("日本", "model"),
    ],
)
def test_names(text: str, name: str) -> None:
    assert name_of(text) == name


@pytest.mark.parametrize(("side", "size"), [(8, 64), (32, 64), (64, 96), (100, 128), (150, 160), (300, 224)])
def test_sizes(side: int, size: int) -> None:
    assert size_of(side) == size
