"""Generated YAML, as two parsers with two ideas of a number read it."""

import pytest
import yaml

from scripts.generator.text import to_yaml


@pytest.mark.parametrize("text", ["1e-3", "6E5", "0.2", ".5", "1.", "+1", "1", "yes", "null", "~", "2026-01-01"])
def test_a_string_is_quoted_when_it_looks_like_something_else(text: str) -> None:
    written = to_yaml({"key": text})
    assert written.split(": ", 1)[1].strip() in (f'"{text}"', f"'{text}'")
    assert yaml.safe_load(written) == {"key": text}


@pytest.mark.parametrize("value", ["v1", "e3", "1e-3x", 3, 0.5, True, None, ["1e-3"], {"b": 1, "a": 2}, "two\nlines"])
def test_everything_is_read_back(value: object) -> None:
    assert yaml.safe_load(to_yaml(value)) == value


def test_what_occurs_twice_is_written_twice() -> None:
    shared = {"a": 1}
    assert "&" not in to_yaml([shared, shared])
