"""Texts that strangers send, to token ids, by the tokenizer that the encoder was trained with."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from transfermodel_predictor.artifact.description import TextPreprocessing
from transfermodel_predictor.artifact.errors import ArtifactMalformed
from transfermodel_predictor.inference.errors import UnreadableSample
from transfermodel_predictor.inference.limits import DEFAULT, SampleLimits

BYTE_ORDER_MARK: Final = "\ufeff"
PADDING: Final = -1
"""In a row, after the text's last token."""
CHARACTERS_PER_TOKEN: Final = 100
"""A tokenizer goes through a whole text before it cuts off: so it gets no more than this for each token that counts."""


class TextPipeline:
    """A text; its row is its token ids, (max_tokens,) int32, padded with -1."""

    dtype: np.dtype[Any] = np.dtype(np.int32)

    def __init__(self, preprocessing: TextPreprocessing, tokenizer: bytes, limits: SampleLimits = DEFAULT) -> None:
        """Take what is done to texts, and the content of tokenizer.json.

        Raises:
            ArtifactMalformed: It is no tokenizer, or its special tokens alone are as many as may be read.
        """
        self.preprocessing = preprocessing
        self.limits = limits
        self.shape: tuple[int, ...] = (preprocessing.max_tokens,)
        try:
            self._tokenizer = Tokenizer.from_buffer(tokenizer)
        except Exception as error:  # tokenizers raises nothing more particular
            raise ArtifactMalformed(f"tokenizer.json cannot be read: {error}. Train the model again.") from error
        special = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        if special >= preprocessing.max_tokens:
            raise ArtifactMalformed(
                f"model.json reads {preprocessing.max_tokens} tokens of a text, and the tokenizer adds {special} "
                "of its own. Train the model again, with a larger maxTokens."
            )
        # tokenizer.json may bring settings of its own; those of model.json count.
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(preprocessing.max_tokens)
        self._may_be_empty = special == 0

    def decode(self, data: bytes) -> str:
        """Return the text in UTF-8 bytes, without a byte order mark. Raises UnreadableSample."""
        text = decode_text(data, self.limits.text_characters)
        if self._may_be_empty and not self._ids(text):
            raise UnreadableSample("The text has nothing in it that the model's tokenizer knows.")
        return text

    def row(self, decoded: str) -> NDArray[np.int32]:
        """Return the ids of its tokens."""
        ids = self._ids(decoded)
        row = np.full(self.shape, PADDING, np.int32)
        row[: len(ids)] = ids
        return row

    def length(self, row: NDArray[np.int32]) -> int:
        """Return how many tokens it has, at least 1."""
        return max(1, int((row != PADDING).sum()))

    def feeds(self, rows: NDArray[np.int32]) -> dict[str, NDArray[Any]]:
        """Return input_ids and attention_mask (N, L) int64, L: tokens of the longest text."""
        longest = max(1, int((rows != PADDING).sum(axis=1).max()))
        ids = rows[:, :longest].astype(np.int64)
        mask = (ids != PADDING).astype(np.int64)
        return {"input_ids": ids * mask, "attention_mask": mask}

    def blank(self) -> list[str]:
        """Return two texts of different lengths."""
        return ["a", "a text of a few words"]

    def _ids(self, text: str) -> list[int]:
        most = self.preprocessing.max_tokens * CHARACTERS_PER_TOKEN
        ids: list[int] = self._tokenizer.encode(text.strip()[:most]).ids
        return ids


def decode_text(data: bytes, character_limit: int = DEFAULT.text_characters) -> str:
    """Return the text in UTF-8 bytes, without a byte order mark.

    Raises:
        UnreadableSample: It is not UTF-8, too long, or empty.
    """
    try:
        text = data.decode("utf-8").removeprefix(BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        raise UnreadableSample(
            f"The text is not UTF-8: the byte at position {error.start} does not fit. Save it as UTF-8."
        ) from error
    if len(text) > character_limit:
        raise UnreadableSample(
            f"The text has {len(text)} characters; at most {character_limit} are accepted. Shorten it: "
            "the model reads its beginning alone."
        )
    if not text.strip():
        raise UnreadableSample("The text is empty: there is nothing in it but white space.")
    return text
