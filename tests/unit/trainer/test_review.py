"""What is said of data that is odd."""

import torch
from transfermodel_operator.api.spec import Task
from transfermodel_trainer.data.review import review
from transfermodel_trainer.data.samples import Samples

LABELS = ("cat", "dog")


def samples(*entries: tuple[str, str, str]) -> Samples:
    """Name, label and content of each."""
    return Samples(
        torch.zeros(len(entries), 1),
        torch.tensor([LABELS.index(label) for _, label, _ in entries]),
        [name for name, _, _ in entries],
        [content for _, _, content in entries],
        list(range(len(entries))),
    )


TRAIN = samples(("1", "cat", "a"), ("2", "dog", "b"))
TASK: Task = "TextClassification"


def test_nothing_is_said_of_plain_data() -> None:
    other = samples(("3", "cat", "c"), ("4", "dog", "d"))
    assert review(TASK, {"train": TRAIN, "test": other}, LABELS) == []


def test_copies_across_the_splits() -> None:
    found = review(
        TASK,
        {"train": TRAIN, "validation": samples(("v", "cat", "a")), "test": samples(("t", "cat", "a"))},
        LABELS,
    )
    assert found == [
        "1 of 1 texts of spec.data.validation are also in spec.data.train (v): its metrics are too good.",
        "1 of 1 texts of spec.data.test are also in spec.data.train (t): its metrics are too good.",
        "1 of 1 texts of spec.data.test are also in spec.data.validation (t): what was chosen by one is judged by the "
        "other.",
    ]


def test_a_copy_with_another_label_is_told() -> None:
    test = samples(("t", "dog", "a"), ("u", "dog", "b"), ("v", "dog", "c"))
    assert review(TASK, {"train": TRAIN, "test": test}, LABELS) == [
        "2 of 3 texts of spec.data.test are also in spec.data.train (t, u): its metrics are too good.",
        "1 of them have another label in spec.data.train (t is dog, 1 is cat): one of the two is wrong.",
    ]


def test_copies_within_train() -> None:
    same = samples(("1", "cat", "a"), ("2", "cat", "a"), ("3", "dog", "b"))
    assert "1 of 3 recordings of spec.data.train are copies of others (2)" in " ".join(
        review("AudioClassification", {"train": same}, LABELS)
    )
    torn = samples(("1", "cat", "a"), ("2", "dog", "a"), ("3", "dog", "b"))
    assert review(TASK, {"train": torn}, LABELS) == [
        "1 of 3 texts of spec.data.train have the content of one of another class (2 is 1): one of the two labels is "
        "wrong."
    ]


def test_a_rare_class() -> None:
    many = samples(*((str(n), "cat", str(n)) for n in range(20)), ("d", "dog", "x"))
    (said,) = review("ImageClassification", {"train": many}, LABELS)
    assert said.startswith("Class cat has 20 images in spec.data.train, dog only 1: ")
    assert "add images to them" in said


def test_labels_that_look_alike() -> None:
    for one, two in (("Cat", "cat"), ("fire truck", "fire_truck"), ("\uff21B", "ab"), ("Straße", "strasse")):
        (said,) = review(TASK, {"train": TRAIN}, (one, two))
        assert said.startswith(f"Labels differ in case, spaces or hyphens alone ({one} and {two})")
    assert review(TASK, {"train": TRAIN}, ("cats", "cat")) == []
