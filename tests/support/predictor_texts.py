"""A tiny real model of texts, made on the fly: each word that it knows votes for one of two labels."""

import json
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transfermodel_predictor.artifact.description import (
    GRAPH_INPUTS,
    BackboneDescription,
    ModelDescription,
    Signature,
    TextPreprocessing,
    WeightsSource,
)

from tests.support.colours import write_artifact

LABELS: Final = ("bad", "good")
VOCABULARY: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "awful", "dull", "fine", "lovely", "a", "film", "straße", "日")
VOTES: Final = {"awful": (4.0, 0.0), "dull": (2.0, 0.0), "fine": (0.0, 2.0), "lovely": (0.0, 4.0)}
MAX_TOKENS: Final = 8


def tokenizer(*, special: bool = True) -> bytes:
    """Return a tokenizer.json that cuts and pads by itself, as published ones do, and not as the model wants it.

    special: whether it adds [CLS] and [SEP].
    """
    model = Tokenizer(models.WordLevel({word: index for index, word in enumerate(VOCABULARY)}, unk_token="[UNK]"))
    model.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    model.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if special:
        ends = [(word, VOCABULARY.index(word)) for word in ("[CLS]", "[SEP]")]
        model.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    model.enable_truncation(3)
    model.enable_padding(length=5, pad_id=0, pad_token="[PAD]")
    settings = json.loads(model.to_str())
    assert settings["truncation"]["max_length"] == 3
    assert settings["padding"]["strategy"] == {"Fixed": 5}
    return model.to_str().encode()


def word_model() -> bytes:
    """Return ONNX: input_ids and attention_mask (N, L) -> logits (N, 2), the mean of the words' votes.

    Padding's own votes are absurd: a mask that is not right shows in the answer.
    """
    table = np.array([VOTES.get(word, (0.0, 0.0)) for word in VOCABULARY], np.float32)
    table[0] = (1000.0, -1000.0)
    constants = [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([1], np.int64), "tokens")]
    constants.append(numpy_helper.from_array(np.array([2], np.int64), "last"))
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "input_ids"], ["votes"]),
            helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
            helper.make_node("Mul", ["votes", "wide"], ["counted"]),
            helper.make_node("ReduceSum", ["counted", "tokens"], ["sum"], keepdims=0),
            helper.make_node("ReduceSum", ["wide", "tokens"], ["count"], keepdims=0),
            helper.make_node("Div", ["sum", "count"], ["logits"]),
        ],
        "words",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in GRAPH_INPUTS["Text"]],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def describe_texts(max_tokens: int = MAX_TOKENS) -> ModelDescription:
    """Return a model.json for it."""
    return ModelDescription(
        task="TextClassification",
        backbone=BackboneDescription(
            name="transformers/words", source=WeightsSource(kind="scratch"), strategy="FeatureExtraction"
        ),
        labels=LABELS,
        preprocessing=TextPreprocessing(max_tokens=max_tokens),
        signature=Signature(inputs=GRAPH_INPUTS["Text"]),
    )


def write_text_artifact(folder: Path, content: bytes | None = None) -> str:
    """Write a whole artifact, and return its digest; content: of tokenizer.json."""
    files = {"tokenizer.json": tokenizer() if content is None else content}
    return write_artifact(folder, word_model(), describe_texts().to_json(), files)
