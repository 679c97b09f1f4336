"""Texts and recordings on the page: what is shown of them, in their own words, and never as markup."""

import base64
import io

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
import torch
from PIL import Image
from transfermodel_trainer.publishing.card import write_card
from transfermodel_trainer.publishing.record import RunRecord
from transfermodel_trainer.publishing.report import write_report
from transfermodel_trainer.publishing.report.pictures import spectrogram_uri
from transfermodel_trainer.publishing.report.text import excerpt

from tests.support.pages import Node, parse
from tests.support.report_records import as_recordings, as_texts, record
from tests.unit.trainer.report.test_bounds import LIMIT
from tests.unit.trainer.report.test_hostile import HOSTILE

LABELS = ("a", "b", "c")


def of_texts(texts: list[str]) -> RunRecord:
    return as_texts(record(LABELS, per_class=len(texts) // 3, accuracy=0.3), texts)


def text_of(page: bytes) -> str:
    return parse(page).one("body").text()


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (of_texts(["some text"] * 12), ("texts", "text")),
        (as_recordings(record(LABELS, per_class=4, accuracy=0.3)), ("recordings", "recording")),
    ],
)
def test_the_page_and_the_card_speak_of_what_it_is(made: RunRecord, words: tuple[str, str]) -> None:
    page, card = text_of(write_report(made)), write_card(made).decode()
    for said in (page, card):
        assert "image" not in said.lower().replace("imagenet", "")
        assert f"classes of {words[0]} apart" in said
    assert f"12 training {words[0]}" in page
    assert f"Training {words[0]}" in page


def test_texts_are_shown_by_their_beginnings() -> None:
    made = of_texts([f"Number {number}\n\tsays: {'so it is, ' * 200}" for number in range(12)])
    tree = parse(write_report(made))
    mistakes = tree.one(id="mistakes")
    quotes = [quote.text() for quote in mistakes.all("blockquote")]
    assert len(quotes) == len(mistakes.all("li")) > 3
    assert not mistakes.all("img")
    assert all(
        quote.startswith("Number ") and " says: so it is, so" in quote and quote.endswith("…") for quote in quotes
    )
    assert all(len(quote) <= 320 for quote in quotes)
    samples = tree.one(id="data").one(class_="excerpts")
    assert [figure.one("figcaption").text() for figure in samples.all("figure")] == list(LABELS)
    assert [len(figure.all("li")) for figure in samples.all("figure")] == [3, 3, 3]
    assert "at most 128 tokens" in tree.one(id="data").text()


def test_hostile_texts_are_text() -> None:
    texts = [f"{hostile} {number}" for hostile in HOSTILE for number in range(3)]
    harmless = [f"harmless {number}" for number in range(len(texts))]
    page = write_report(of_texts(texts))
    tree, plainly = parse(page), parse(write_report(of_texts(harmless)))
    assert [node.tag for node in tree.all()] == [node.tag for node in plainly.all()], "texts add no element"
    said = tree.one(id="mistakes").text() + tree.one(id="data").text()
    assert "<script>alert(1)</script>" in said
    assert "{{ 7 * 7 }}" in said
    assert b"<script" not in page
    assert b"\x00" not in page
    assert "\u202e" not in page.decode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<b>", "<bdi>&lt;b&gt;</bdi>"),
        ("one\n\n two\x00", "<bdi>one two\ufffd</bdi>"),
        ("x" * 11, "<bdi>xxxxxxxxx…</bdi>"),
        ("x" * 10, "<bdi>xxxxxxxxxx</bdi>"),
        ("", "<bdi></bdi>"),
    ],
)
def test_excerpts(text: str, shown: str) -> None:
    assert str(excerpt(text, 10)) == shown


# -- recordings


def sounds(tree: Node) -> list[str]:
    return [sound.attributes["src"] for sound in tree.all("audio")]


def test_a_spectrogram_is_low_below_and_loud_bright() -> None:
    row = torch.full((32, 32), -13.8)
    row[0, 31] = 0.0  # the lowest band, the last moment
    kind, _, content = spectrogram_uri(row).partition(",")
    assert kind == "data:image/png;base64"
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("L")).astype(int)
    assert pixels.shape == (32, 32)
    assert int(pixels.argmax()) == 31 * 32 + 31, "below, to the right"
    assert pixels.max() - pixels.min() > 200


def test_recordings_are_seen_and_heard() -> None:
    tree = parse(write_report(as_recordings(record(LABELS, per_class=4, accuracy=0.3))))
    mistakes = tree.one(id="mistakes")
    assert len(sounds(mistakes)) == len(mistakes.all("img")) == len(mistakes.all("li")) > 3
    assert not sounds(tree.one(id="data")), "samples are many"
    assert len(tree.one(id="data").one(class_="samples").all("img")) == 12
    for sound in sounds(mistakes):
        kind, _, content = sound.partition(",")
        assert kind == "data:audio/flac;base64"
        heard, rate = soundfile.read(io.BytesIO(base64.b64decode(content)))
        assert (len(heard), rate) == (2400, 8000)
    policy = tree.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
    assert "media-src data:;" in policy
    assert "media-src" not in text_of(write_report(record(LABELS)))


@pytest.mark.parametrize(("seconds", "heard"), [(0.3, range(24, 25)), (2.4, range(5, 20)), (10.0, range(1))])
def test_sounds_leave_the_page_small(seconds: float, heard: range) -> None:
    labels = tuple(f"{number:03} {'w' * 200}" for number in range(60))
    made = as_recordings(record(labels, per_class=3, accuracy=0.1), seconds=seconds, size=112)
    page = write_report(made)
    assert len(page) < LIMIT
    assert len(sounds(parse(page))) in heard
    assert len(parse(page).one(id="mistakes").all("img")) == 24
