"""Trunks with random weights, as the files that people store in buckets."""

import json
from collections.abc import Iterable

import torch
from safetensors.torch import save
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def tiny_encoder(texts: Iterable[str], seed: int = 0) -> dict[str, bytes]:
    """Return the files of an encoder that knows the words of some texts: 2 layers, 64 features.

    Random weights tell bags of words apart, which is all that the tests' topics need.
    """
    splitter = pre_tokenizers.Whitespace()
    words = sorted({word for text in texts for word, _ in splitter.pre_tokenize_str(text.lower())})
    vocabulary = {word: index for index, word in enumerate((*SPECIAL, *words))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = splitter
    ends = [(word, vocabulary[word]) for word in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    configuration = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=64,
    )
    torch.manual_seed(seed)
    state = BertModel(configuration, add_pooling_layer=False).state_dict()
    return {
        "config.json": json.dumps(configuration.to_dict()).encode(),
        "tokenizer.json": tokenizer.to_str().encode(),
        "model.safetensors": save({name: tensor.contiguous() for name, tensor in state.items()}),
    }


def resnet18(seed: int = 0) -> bytes:
    """Return the state dict of torchvision's resnet18 with random weights, as .safetensors."""
    from torchvision import models as architectures

    torch.manual_seed(seed)
    return save(
        {name: tensor.contiguous() for name, tensor in architectures.resnet18(weights=None).state_dict().items()}
    )
