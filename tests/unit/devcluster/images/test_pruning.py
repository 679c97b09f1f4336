"""Which old images of the project are let go."""

from typing import Any

import pytest

from devcluster.images.pruning import superseded
from devcluster.images.store import nameless

pytestmark = pytest.mark.unit
TRAINER, OPERATOR = "dev.local/transfermodel-trainer", "dev.local/transfermodel-operator"


def image(created: int, *names: str) -> dict[str, Any]:
    return {"created": created, "names": list(names)}


LISTED = [
    image(3, f"{TRAINER}:c"),
    image(1, f"{TRAINER}:a"),
    image(2, f"{TRAINER}:b"),
    image(9, f"{OPERATOR}:x"),
    image(0, "docker.io/library/debian:bookworm-slim"),
    {"created": 5, "names": None},
]


def test_the_newest_and_the_one_before_it_stay() -> None:
    assert superseded(LISTED, [TRAINER, OPERATOR], [f"{TRAINER}:c", f"{OPERATOR}:x"]) == [f"{TRAINER}:a"]


def test_what_is_wanted_stays_however_old() -> None:
    assert superseded(LISTED, [TRAINER, OPERATOR], [f"{TRAINER}:a"]) == []


def test_images_of_others_are_not_touched() -> None:
    others = [image(number, f"dev.local/transfermodel-trainer-of-others:{number}") for number in range(5)]
    assert superseded(others, [TRAINER], []) == []


def test_records_without_a_name_are_found() -> None:
    records = {
        f"{TRAINER}:c": "sha256:manifest-c",
        "sha256:configuration-c": "sha256:manifest-c",
        "sha256:configuration-a": "sha256:manifest-a",
    }
    assert nameless(records) == ["sha256:configuration-a"]
