"""Tiny encoders of texts with random weights, stored as transformers stores them."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import CONFIG_MAPPING, AutoModel

SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "vocab_size": 100,
    "max_position_embeddings": 64,
}
OWN: dict[str, dict[str, Any]] = {
    "albert": {"embedding_size": 16},
    "deberta-v2": {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 16},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64},
    "electra": {"embedding_size": 16},
    "mobilebert": {"embedding_size": 16, "intra_bottleneck_size": 16, "true_hidden_size": 16},
    "modernbert": {"pad_token_id": 0, "cls_token_id": 1, "sep_token_id": 2, "bos_token_id": 1, "eos_token_id": 2},
    "roformer": {"embedding_size": 32},
}
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
SENTENCE = (
    "good great fine bad awful poor the a an film book meal was is and but very not so plot song day long short red "
    "blue green one two three . , !"
)
WORDS = [*SPECIAL, *SENTENCE.split()]


def configuration(family: str = "bert", **changes: Any) -> dict[str, Any]:
    """Return a config.json."""
    return {"model_type": family, **SMALL, **OWN.get(family, {}), **changes}


def tokenizer(words: list[str] | None = None) -> str:
    """Return a tokenizer.json that knows a few words."""
    vocabulary = {word: number for number, word in enumerate(words or WORDS)}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    )
    return str(made.to_str())


def model(family: str = "bert", **changes: Any) -> torch.nn.Module:
    """Return transformers' own model with random weights."""
    settings = configuration(family, **changes)
    torch.manual_seed(0)
    made: torch.nn.Module = AutoModel.from_config(  # type: ignore[no-untyped-call]
        CONFIG_MAPPING[settings.pop("model_type")](**settings)
    )
    return made.eval()


def write(folder: Path, family: str = "bert", pooling: str | None = None, **changes: Any) -> Path:
    """Write an encoder's folder, and return it."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(configuration(family, **changes)))
    (folder / "tokenizer.json").write_text(tokenizer())
    state = {key: value.contiguous() for key, value in model(family, **changes).state_dict().items()}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    if pooling is not None:
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text(json.dumps({f"pooling_mode_{pooling}": True}))
    return folder
