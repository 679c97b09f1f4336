"""Class folders from file names."""

from typing import Any

import pytest
from transfermodel_operator.api import Reason
from transfermodel_trainer.data.classes import Classes, check_same_classes, find_classes, unwrap
from transfermodel_trainer.errors import RunError

URI = "s3://bucket/train"


def refused(names: list[str], **options: Any) -> RunError:
    with pytest.raises(RunError) as caught:
        find_classes(names, URI, **options)
    return caught.value


def test_labels_are_sorted_and_members_know_theirs() -> None:
    found = find_classes(["ship/b.png", "horse/deep/a.png", "ship/a.png"], URI)
    assert found == Classes(
        ("horse", "ship"), (("horse/deep/a.png", 0), ("ship/a.png", 1), ("ship/b.png", 1)), outside=0
    )


def test_what_an_operating_system_leaves_behind_is_no_class() -> None:
    names = ["a/1.png", "b/1.png", "__MACOSX/a/._1.png", ".DS_Store", "a/.DS_Store", "b/Thumbs.db", "readme.txt"]
    found = find_classes(names, URI)
    assert (found.labels, len(found.members), found.outside) == (("a", "b"), 2, 1)


def test_an_empty_class_is_named() -> None:
    error = refused(["a/1.png", "b/1.png", "yellow/"])
    assert error.reason is Reason.EMPTY_CLASS
    assert "yellow" in error.message


def test_a_class_folder_of_hidden_files_only_is_no_class() -> None:
    assert refused(["a/1.png", "b/.DS_Store"]).reason is Reason.TOO_FEW_CLASSES


def test_one_class_is_too_few() -> None:
    error = refused(["red/1.png"])
    assert error.reason is Reason.TOO_FEW_CLASSES
    assert "red" in error.message


def test_files_without_folders_are_no_classes() -> None:
    error = refused(["1.png", "2.png"])
    assert error.reason is Reason.TOO_FEW_CLASSES
    assert "sub-folder" in error.message


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (["a/1", "b/1", "grey/1"], ["grey is not among"]),
        (["a/1"], ["no images of b"]),
        (["a/1", "B/1"], ["B is not among", "no images of b"]),
    ],
)
def test_other_classes_are_named(other: list[str], said: list[str]) -> None:
    train = find_classes(["a/1", "b/1"], URI)
    with pytest.raises(RunError) as caught:
        check_same_classes(train, find_classes(other, URI, role="test"), "test", URI)
    assert caught.value.reason is Reason.CLASSES_DIFFER
    assert all(part in caught.value.message for part in said)


def test_the_same_classes_pass() -> None:
    train = find_classes(["a/1", "b/1"], URI)
    check_same_classes(train, find_classes(["b/9", "a/9"], URI, role="test"), "test", URI)


@pytest.mark.parametrize(
    ("names", "wrapper"),
    [
        (["top/a/1", "top/b/1"], "top/"),
        (["top/", "top/a/", "top/a/1", "top/b/1", "__MACOSX/x"], "top/"),
        (["a/1", "b/1"], ""),
        (["a/1"], ""),
        (["top/a/1", "readme"], ""),
    ],
)
def test_a_folder_around_the_classes(names: list[str], wrapper: str) -> None:
    assert unwrap(names) == wrapper
