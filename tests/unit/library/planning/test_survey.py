"""What is known of the data before anything is spent, by the trainer's own reading in a process of its own."""

import json
from pathlib import Path
from typing import Any

import pytest
from transfermodel.planning import children
from transfermodel.planning.judging import of_survey, too_unreadable
from transfermodel_operator.api import RunRequest

from tests.support.datasets import Files, folder, picture, tar


def put(root: Path, files: Files) -> Path:
    """Write files below a folder; return it."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def request(**uris: str) -> RunRequest:
    """Return a run of these sources."""
    return RunRequest.model_validate(
        {
            "run": "0123",
            "namespace": "default",
            "name": "colours",
            "task": "ImageClassification",
            "backbone": {"name": "torchvision/resnet18", "weights": {"scratch": True}, "input": {"size": 32}},
            "data": {role: {"uri": uri} for role, uri in uris.items()},
            "training": {"strategy": "FineTuning", "fineTuning": {"unfreeze": "All"}},
            "outputUri": "file:///nowhere",
        }
    )


def surveyed(root: Path, **files: Files) -> dict[str, Any]:
    """Return the survey of folders, by role."""
    return children.survey(request(**{role: put(root / role, each).as_uri() for role, each in files.items()}))


def sentences(survey: dict[str, Any]) -> list[str]:
    return [advice.message for advice in of_survey(survey, {})]


def test_good_data(tmp_path: Path) -> None:
    survey = surveyed(tmp_path, train=folder(), test=folder(first=100))
    train, test = survey["sources"]
    assert train["classes"] == [{"label": label, "count": 12} for label in ("blue", "green", "red")]
    assert (train["samples"], test["samples"], train["medianSide"], train["lookedInto"]) == (36, 36, 32, True)
    assert survey["problems"] == []
    assert survey["duplicates"] == []
    assert len(survey["inputsDigest"]) == 64
    assert survey["dataSeconds"] > 0
    assert sentences(survey) == []


def test_what_is_odd(tmp_path: Path) -> None:
    seen = picture("red", 0)
    train = folder(per_class=12) | {
        "red/copy.png": seen,
        "blue/also.png": seen,
        "green/broken.png": b"no image",
        "green/tiny.png": picture("green", 7, size=8),
        "readme.txt": b"x",
    }
    survey = surveyed(tmp_path, train=train, test=folder(per_class=3, first=100) | {"red/seen.png": seen})
    train_found, _ = survey["sources"]
    assert [each["name"] for each in train_found["unreadable"]] == ["green/broken.png"]
    assert train_found["tiny"] == ["green/tiny.png"]
    within, between = survey["duplicates"]
    assert (within["splits"], within["count"], within["mislabelled"]) == (["train", "train"], 2, 1)
    assert (between["splits"], between["count"], between["examples"]) == (
        ["train", "test"],
        1,
        [["blue/also.png", "red/seen.png"]],
    )
    root = (tmp_path / "train").as_uri()
    assert sentences(survey) == [
        "spec.data.train has 1 file to be skipped, not readable as images: green/broken.png.",
        "spec.data.train has 1 file with sides of less than 16 pixels, such as green/tiny.png: "
        "little can be seen on them.",
        f"{root} has 1 file outside of the class folders, to be ignored.",
        "Fewer than 10 test images: blue (3), green (3), red (4).",
        "spec.data.train has 2 copies of other files, such as red/000.png of blue/also.png. "
        "1 of them in another class!",
        "spec.data.test shares 1 file with spec.data.train, such as red/seen.png (blue/also.png): "
        "the figures will be too good. 1 of them in another class!",
    ]
    assert list(too_unreadable(survey)) == []


def test_one_copy_is_a_copy(tmp_path: Path) -> None:
    (found,) = surveyed(tmp_path, train=folder() | {"red/copy.png": picture("red", 0)})["duplicates"]
    assert (found["count"], found["examples"], found["mislabelled"]) == (1, [["red/000.png", "red/copy.png"]], 0)


def test_imbalance_and_no_test_set(tmp_path: Path) -> None:
    survey = surveyed(tmp_path, train=folder(("red",), 40) | folder(("blue",), 4))
    assert sentences(survey) == [
        "Fewer than 10 training images: blue (4).",
        "The classes are of unequal size: red has 10 times as many training images as blue, "
        "which will be recognised less often.",
        "There is no test set, so the reported accuracy is an estimate.",
    ]


def test_too_many_unreadable_files(tmp_path: Path) -> None:
    survey = surveyed(tmp_path, train=folder(per_class=4) | {f"red/{n}.png": b"x" for n in range(200, 206)})
    (advice,) = too_unreadable(survey)
    assert advice.message.startswith("6 of 18 files of spec.data.train cannot be read as images, such as red/200.png")


def test_a_class_without_test_images(tmp_path: Path) -> None:
    survey = surveyed(tmp_path, train=folder(), test=folder(("blue", "green")))
    (problem,) = survey["problems"]
    assert problem["reason"] == "ClassesDiffer"
    assert "no images of red" in problem["message"]
    assert [source["role"] for source in survey["sources"]] == ["train", "test"]


def test_one_class(tmp_path: Path) -> None:
    (problem,) = surveyed(tmp_path, train=folder(("red",)))["problems"]
    assert problem["reason"] == "TooFewClasses"


def test_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "colours.tar"
    path.write_bytes(tar(folder()))
    (source,) = children.survey(request(train=path.as_uri()))["sources"]
    assert (source["samples"], source["lookedInto"]) == (36, True)


def test_an_index_file(tmp_path: Path) -> None:
    put(tmp_path, folder())
    rows = "".join(f"{path},{path.split('/')[0]}\n" for path in folder())
    (tmp_path / "index.csv").write_text(f"file,label\n{rows}")
    (source,) = children.survey(request(train=(tmp_path / "index.csv").as_uri()))["sources"]
    assert (source["samples"], len(source["classes"])) == (36, 3)


def test_storage_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    survey = children.survey(request(train="s3://bucket/data"))
    assert [problem["reason"] for problem in survey["problems"]] == ["StorageUnavailable"]


def test_equal_inputs_have_one_digest(tmp_path: Path) -> None:
    first = surveyed(tmp_path, train=folder())["inputsDigest"]
    assert surveyed(tmp_path, train={})["inputsDigest"] == first
    assert surveyed(tmp_path, train={"red/more.png": picture("red", 99)})["inputsDigest"] != first


def test_a_trainer_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "NEEDED_BY_SURVEY", ("obstore", "no_such_package"))
    with pytest.raises(children.ChildFailed, match=r"no_such_package is not installed pip install"):
        children.survey(request(train="s3://a/b"))


def test_the_wire_is_json(tmp_path: Path) -> None:
    assert json.loads(json.dumps(surveyed(tmp_path, train=folder())))["duplicatesBy"] == "content"
