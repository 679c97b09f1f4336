"""Files in base64: as the shell breaks their lines, and nothing that only resembles it."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transfermodel_predictor.protocol.sources import unpacked

pytestmark = pytest.mark.unit


@given(st.binary(max_size=400))
def test_returns_what_was_packed(data: bytes) -> None:
    assert unpacked(base64.b64encode(data).decode()) == data


@given(st.binary(min_size=1, max_size=400), st.sampled_from(["\n", "\r\n", " ", "\t"]))
def test_takes_broken_lines(data: bytes, end: str) -> None:
    lines = base64.encodebytes(data).decode().splitlines()
    assert unpacked(end.join(lines) + end) == data


@pytest.mark.parametrize(
    "text",
    [
        "!!!!",
        "ÄÖÜ",
        "QUJDé",
        "QUJ",
        "Q",
        "QUJDRA=",
        "=QUJ",
        "QQ==QQ==",
        "QUJD=",
        "QU-_",
        "QU\x00JD",
        "QU\u2028JD",
        "\ud800",
    ],
)
def test_refuses_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"base64|padding|ASCII|ascii|surrogates"):
        unpacked(text)


@given(st.text("AQgwRz09+/=-_\n !é", max_size=12))
def test_takes_nothing_that_pythons_own_refuses(text: str) -> None:
    """Strictly read; what it takes and Python does not would be a file that nobody has sent."""
    try:
        data = unpacked(text)
    except ValueError:
        return
    assert data == base64.b64decode("".join(text.split()), validate=True)
