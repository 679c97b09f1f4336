"""What plain scalars mean: as to kubectl, not as to PyYAML."""

import math

import pytest
from transfermodel.documents import rules, scalars


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("yes", True),
        ("n", False),
        ("tRUE", "tRUE"),
        ("7", 7),
        ("-7", -7),
        ("+7", 7),
        ("0", 0),
        ("017", 15),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", 3),
        ("018", 18),
        ("1_000", 1000),
        ("1e-3", 0.001),
        ("3.0", 3),
        ("1e3", 1000),
        (".5", 0.5),
        ("1:30", "1:30"),
        ("2001-01-01", "2001-01-01"),
        ("4Gi", "4Gi"),
        (".inf", math.inf),
        ("-", "-"),
        ("٣", "٣"),
    ],
)
def test_plain(text: str, value: object) -> None:
    assert scalars.plain(text) == value
    assert type(scalars.plain(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("4Gi", True),
        ("500m", True),
        ("1e3", True),
        (".5", True),
        ("4 GB", False),
        ("1e1.5", False),
        ("", False),
        ("Gi", False),
    ],
)
def test_quantities(text: str, right: bool) -> None:
    assert rules.is_quantity(text) is right


def test_mentions() -> None:
    rule = "!has(self.backbone.weights) || self.metadata.name.size() <= 40 || double(self) > 0.0"
    assert rules.mentions(rule) == ("backbone.weights", "metadata.name", "")


def test_dollar_is_the_very_end() -> None:
    assert rules.matches("^a$", "a")
    assert not rules.matches("^a$", "a\n")
