"""Texts from strangers, to token ids."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transfermodel_predictor.artifact.description import TextPreprocessing
from transfermodel_predictor.artifact.errors import ArtifactMalformed
from transfermodel_predictor.inference.errors import UnreadableSample
from transfermodel_predictor.inference.limits import SampleLimits
from transfermodel_predictor.inference.text import CHARACTERS_PER_TOKEN, TextPipeline

from tests.support.predictor_texts import MAX_TOKENS, VOCABULARY, tokenizer

pytestmark = pytest.mark.unit
PIPELINE = TextPipeline(TextPreprocessing(max_tokens=MAX_TOKENS), tokenizer())
CLS, SEP, UNKNOWN = (VOCABULARY.index(word) for word in ("[CLS]", "[SEP]", "[UNK]"))


def ids(*words: str) -> list[int]:
    return [VOCABULARY.index(word) for word in words]


def row(text: str, pipeline: TextPipeline = PIPELINE) -> list[int]:
    return [int(token) for token in pipeline.row(pipeline.decode(text.encode()))]


def test_a_row_is_the_ids_padded() -> None:
    assert row("A lovely film") == [CLS, *ids("a", "lovely", "film"), SEP, -1, -1, -1]
    assert PIPELINE.row("a").shape == PIPELINE.shape == (MAX_TOKENS,)
    assert PIPELINE.row("a").dtype == PIPELINE.dtype == np.int32


def test_the_models_own_length_counts_not_that_of_the_tokenizers_file() -> None:
    assert row("film " * 50) == [CLS, *ids("film") * (MAX_TOKENS - 2), SEP]
    assert row("film", TextPipeline(TextPreprocessing(max_tokens=3), tokenizer())) == [CLS, *ids("film"), SEP]


def test_feeds_are_as_long_as_the_longest_text_and_masked() -> None:
    feeds = PIPELINE.feeds(np.stack([PIPELINE.row("dull"), PIPELINE.row("a fine film")]))
    assert list(feeds) == ["input_ids", "attention_mask"]
    assert feeds["input_ids"].tolist() == [[CLS, *ids("dull"), SEP, 0, 0], [CLS, *ids("a", "fine", "film"), SEP]]
    assert feeds["attention_mask"].tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert {array.dtype for array in feeds.values()} == {np.dtype(np.int64)}


def test_any_script_comes_through() -> None:
    assert row("STRAßE 日 🦆") == [CLS, *ids("straße", "日"), UNKNOWN, SEP, -1, -1, -1]


def test_a_byte_order_mark_and_control_characters_are_no_fault() -> None:
    assert PIPELINE.decode(b"\xef\xbb\xbffilm") == "film"
    assert PIPELINE.decode(b"a\0b\x07\r\n") == "a\0b\x07\r\n"
    assert row("\0") == [CLS, UNKNOWN, SEP, -1, -1, -1, -1, -1]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b" \t\r\n\xc2\xa0\xe2\x80\x83", "nothing in it but white space"),
        (b"\xef\xbb\xbf", "empty"),
        (b"caf\xe9", "not UTF-8: the byte at position 3"),
        (b"\xff\xfea\0", "Save it as UTF-8"),
        (b"\xed\xa0\x80", "not UTF-8"),
        (b"x" * 1_000_001, "has 1000001 characters; at most 1000000 are accepted"),
    ],
)
def test_what_is_no_text_is_refused_with_a_sentence(data: bytes, said: str) -> None:
    with pytest.raises(UnreadableSample, match=said):
        PIPELINE.decode(data)


def test_the_limit_is_of_characters_not_bytes() -> None:
    pipeline = TextPipeline(TextPreprocessing(max_tokens=8), tokenizer(), SampleLimits(text_characters=3))
    assert pipeline.decode("日本語".encode()) == "日本語"
    with pytest.raises(UnreadableSample, match="at most 3"):
        pipeline.decode(b"abcd")


def test_the_tokenizer_gets_no_more_than_counts() -> None:
    distance = MAX_TOKENS * CHARACTERS_PER_TOKEN
    assert row(" " * distance + "film") == row("film"), "white space around a text is none of it"
    assert row("film" + " " * distance + "film") == row("film")
    assert row("film" + " " * (distance - 9) + "film") == row("film film")


def test_a_text_without_a_token_is_refused_where_the_tokenizer_adds_none() -> None:
    pipeline = TextPipeline(TextPreprocessing(max_tokens=1), tokenizer(special=False))
    assert row("film", pipeline) == ids("film")
    cleaned = tokenizer(special=False).replace(
        b'{"type":"Lowercase"}',
        b'{"type":"Strip","strip_left":true,"strip_right":true},{"type":"Replace","pattern":{"String":"x"},"content":""}',
    )
    with pytest.raises(UnreadableSample, match="nothing in it that the model's tokenizer knows"):
        TextPipeline(TextPreprocessing(max_tokens=4), cleaned).decode(b"xxx")


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"version": "1.0", "model": null}'])
def test_what_is_no_tokenizer_says_so(content: bytes) -> None:
    with pytest.raises(ArtifactMalformed, match=r"^tokenizer\.json cannot be read: .*Train the model again"):
        TextPipeline(TextPreprocessing(max_tokens=8), content)


def test_a_length_that_leaves_no_room_for_the_text_says_so() -> None:
    with pytest.raises(ArtifactMalformed, match="reads 2 tokens of a text, and the tokenizer adds 2 of its own"):
        TextPipeline(TextPreprocessing(max_tokens=2), tokenizer())


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_row_or_refused(data: bytes) -> None:
    with suppress(UnreadableSample):
        encoded = PIPELINE.row(PIPELINE.decode(data))
        count = int((encoded >= 0).sum())
        assert 2 <= count <= MAX_TOKENS
        assert (encoded[count:] == -1).all()
        assert encoded.max() < len(VOCABULARY)


def test_threads_share_it() -> None:
    texts = [f"{'lovely ' * (index % 5)}film {index}" for index in range(400)]
    alone = [row(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(row, texts)) == alone
