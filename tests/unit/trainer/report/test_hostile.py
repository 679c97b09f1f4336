"""Class and file names are the user's: nothing in them becomes markup, and nothing in them breaks the page."""

import json

import pytest
from transfermodel_trainer.publishing.artifact import metrics
from transfermodel_trainer.publishing.card import write_card
from transfermodel_trainer.publishing.report import write_report
from transfermodel_trainer.publishing.report.text import name, percent, plain, plural, shortened

from tests.support.pages import parse
from tests.support.report_records import record, request

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></title></svg><b>",
    "{{ 7 * 7 }} {% raw %} &amp; &lt;",
    "a\x00b\x1bc\nd",
    "cat\u202egnp.exe",
    "\ud800 alone",
)


def test_names_are_text() -> None:
    names = [f"{label}/{number}.png" for label in HOSTILE for number in range(4)]
    page = write_report(record(HOSTILE, per_class=4, accuracy=0.3, names=names, warnings=HOSTILE))
    tree = parse(page)
    plainly = parse(write_report(record(tuple("abcdefg"), per_class=4, accuracy=0.3, warnings=tuple("abcdefg"))))
    assert [node.tag for node in tree.all()] == [node.tag for node in plainly.all()], "names add no element"
    assert tree.one("nav").text() == plainly.one("nav").text()
    classes = [row.all("th")[0].text() for row in tree.one(id="data").one("tbody").all("tr")]
    assert classes[:4] == list(HOSTILE[:4])
    assert classes[4:] == ["a\ufffdb\ufffdc\ufffdd", "cat\ufffdgnp.exe", "\ufffd alone"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_the_name_of_a_model_is_text(hostile: str) -> None:
    asked = request().model_copy(update={"name": hostile, "namespace": hostile})
    tree = parse(write_report(record(("a", "b"), asked=asked)))
    assert not tree.all("script")
    assert tree.one("h1").text() == " ".join(shortened(f"{hostile}/{hostile}", 120).split())


def test_card_and_metrics_take_what_files_can_be_called() -> None:
    labels = HOSTILE[:6]  # model.json holds no label that is no Unicode
    made = record(labels)
    assert b"\n# " not in write_card(made)[2:]
    assert json.loads(json.dumps(metrics(made)))["samplesPerClass"]["train"] == dict.fromkeys(labels, 2)


def test_long_names_keep_their_ends() -> None:
    text = shortened("a" * 40 + "/" + "b" * 200 + "-0001.png")
    assert len(text) == 48
    assert text.startswith("aaaa")
    assert text.endswith("-0001.png")
    assert "…" in text
    assert shortened("short.png") == "short.png"


def test_a_name_keeps_its_own_direction() -> None:
    assert str(name("<\u05d0>")) == "<bdi>&lt;\u05d0&gt;</bdi>"


def test_plain_keeps_what_can_be_shown() -> None:
    assert plain("Straße 東京 👩‍👩‍👧 \u05d0") == "Straße 東京 👩‍👩‍👧 \u05d0"


def test_numbers() -> None:
    assert percent(0.97222) == "97.2\xa0%"
    assert percent(1, 0) == "100\xa0%"
    assert (plural(1, "image"), plural(1234, "image"), plural(2, "class", "classes")) == (
        "1\xa0image",
        "1,234\xa0images",
        "2\xa0classes",
    )
