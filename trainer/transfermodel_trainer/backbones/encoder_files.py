"""The folder of an encoder of texts, as transformers and sentence-transformers store it. Knows no torch.

config.json says what it is, tokenizer.json how texts become tokens, model.safetensors holds its weights; what
sentence-transformers adds says how long a text may be, and how its tokens become one.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from tokenizers import Tokenizer
from transfermodel_operator.api import Reason
from transfermodel_predictor.artifact.description import TextPreprocessing

from transfermodel_trainer.backbones import stored
from transfermodel_trainer.backbones.pretrained import Pretrained
from transfermodel_trainer.errors import RunError, listed

CONFIGURATION: Final = "config.json"
TOKENIZER: Final = "tokenizer.json"
WEIGHTS: Final = "model.safetensors"
POOLING: Final = "1_Pooling/config.json"
SENTENCES: Final = "sentence_bert_config.json"
TOKENIZER_SETTINGS: Final = "tokenizer_config.json"
KEPT_POOLING: Final = "pooling.json"
"""In an artifact, which has no folders."""

KEPT: Final = (CONFIGURATION, TOKENIZER, KEPT_POOLING)
"""In an artifact, beside the weights: so that another model can start from it."""
NEEDED: Final = (CONFIGURATION, TOKENIZER, WEIGHTS)
WANTED: Final = (*NEEDED, POOLING, SENTENCES, TOKENIZER_SETTINGS)

MOST_TOKENS: Final = 256
"""Unless the user asks for more: what a text says is mostly clear by then, and time grows faster than length."""
Pooling = Literal["mean", "cls"]
POOLINGS: Final[Mapping[str, Pooling]] = {
    "mean": "mean",
    "cls": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
}
"""By what 1_Pooling/config.json calls them."""


@dataclass(frozen=True)
class Family:
    """One kind of encoder."""

    layers: str = "encoder.layer"
    """Where its layers are."""
    reserved: int = 0
    """Positions that no token ever gets."""


FAMILIES: Final[Mapping[str, Family]] = {
    "albert": Family("encoder.albert_layer_groups"),
    "bert": Family(),
    "camembert": Family(reserved=2),
    "deberta": Family(),
    "deberta-v2": Family(),
    "distilbert": Family("transformer.layer"),
    "electra": Family(),
    "ernie": Family(),
    "mobilebert": Family(),
    "modernbert": Family("layers"),
    "mpnet": Family(reserved=2),
    "roberta": Family(reserved=2),
    "roformer": Family(),
    "xlm-roberta": Family(reserved=2),
}
"""By config.json's model_type: the encoders that were seen to leave as one ONNX graph that says the same. Another one
is an entry here, and in the tests. ConvBERT is none: its convolutions see the padding, so that a text would be
answered differently beside longer ones."""


def pretrained(files: Mapping[str, Path], names: Iterable[str], reference: str, called: str) -> Pretrained:
    check_files(files, names, called)
    contents = contents_of(files)
    kept = {name: contents[name] for name in (CONFIGURATION, TOKENIZER)}
    kept[KEPT_POOLING] = json.dumps({"pooling_mode": pooling_of(contents)}).encode()
    return Pretrained(files[WEIGHTS], reference, stored.digest_of(files), preprocessing(contents, called), kept)


def check_files(files: Mapping[str, Path], names: Iterable[str], called: str) -> None:
    missing = [name for name in NEEDED if name not in files]
    if not missing:
        return
    pickled = [name for name in names if name.endswith((".bin", ".pt", ".pth", ".ckpt", ".h5"))]
    if WEIGHTS in missing and pickled:
        remedy = (
            f"it has {listed(pickled, 2)}, but pickled weights are never loaded: store it anew with "
            "save_pretrained, which writes model.safetensors"
        )
    elif any(name.startswith("model-") and name.endswith(".safetensors") for name in names):
        remedy = "its weights lie in parts: store it anew with savepretrained(…, max_shard_size='20GB')"
    elif TOKENIZER in missing and len(missing) == 1:
        remedy = "store its tokenizer anew with AutoTokenizer.frompretrained(…).savepretrained(…)"
    else:
        remedy = "name the folder of an encoder as save_pretrained of transformers writes it, or an archive of it"
    raise RunError(Reason.WEIGHTS_MISMATCH, f"{called} has no {listed(missing)}: {remedy}.")


def preprocessing(contents: Mapping[str, bytes], called: str) -> TextPreprocessing:
    """Return how much of a text the encoder reads by itself. Raises WeightsMismatch."""
    configuration = configuration_of(contents, called)
    _check_tokenizer(contents[TOKENIZER], configuration, called)
    lengths = [
        MOST_TOKENS,
        positions(configuration),
        _json(contents, SENTENCES).get("max_seq_length"),
        _json(contents, TOKENIZER_SETTINGS).get("model_max_length"),
    ]
    return TextPreprocessing(
        max_tokens=int(min(length for length in lengths if isinstance(length, int | float) and length >= 1))
    )


def _check_tokenizer(content: bytes, configuration: Mapping[str, Any], called: str) -> None:
    try:
        tokenizer = Tokenizer.from_buffer(content)
    except Exception as error:  # tokenizers raises nothing more particular
        raise RunError(
            Reason.WEIGHTS_MISMATCH, f"{called}: {TOKENIZER} cannot be read ({error}): store the tokenizer anew."
        ) from error
    highest = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=0)
    known = configuration.get("vocab_size")
    if isinstance(known, int) and highest >= known:
        raise RunError(
            Reason.WEIGHTS_MISMATCH,
            f"{called}: {TOKENIZER} has tokens up to {highest}, but the encoder knows {known}: they are not of one "
            "model; store both anew.",
        )


def configuration_of(files: Mapping[str, bytes], called: str) -> dict[str, Any]:
    """Return config.json of an encoder that is known. Raises InvalidSpec."""
    found = _json(files, CONFIGURATION)
    kind = found.get("model_type")
    if kind not in FAMILIES or found.get("is_decoder") or found.get("is_encoder_decoder"):
        what = f"of type {kind}" if isinstance(kind, str) else "of no type"
        if found.get("is_decoder") or found.get("is_encoder_decoder"):
            what += ", set up to write texts"
        raise RunError(
            Reason.INVALID_SPEC,
            f"{called} is a model {what} by its {CONFIGURATION}, which is no encoder of texts that is known: use one "
            f"of {', '.join(FAMILIES)}.",
        )
    return found


def positions(configuration: Mapping[str, Any]) -> int | None:
    """Return how many tokens of a text there is a place for; None: any number."""
    positions = configuration.get("max_position_embeddings")
    if not isinstance(positions, int) or positions < 1:
        return None
    return max(1, positions - FAMILIES[configuration["model_type"]].reserved)


def pooling_of(files: Mapping[str, bytes]) -> Pooling:
    """Return how the folder wants a text's tokens to become one. Raises InvalidSpec for ways that are not known."""
    wanted = _json(files, POOLING if POOLING in files else KEPT_POOLING)
    # Newer versions name the way, older ones have a switch for each.
    named = wanted.get("pooling_mode")
    switches = {key for key, value in wanted.items() if key.startswith("pooling_mode_") and value is True}
    chosen = {named} if isinstance(named, str) else switches
    if not chosen:
        return "mean"
    found = {POOLINGS.get(way) for way in chosen}
    if len(found) == 1 and (way := found.pop()) is not None:
        return way
    raise RunError(
        Reason.INVALID_SPEC,
        f"spec.backbone: {POOLING} of the encoder asks for {' and '.join(sorted(chosen))}: only the mean of the "
        "tokens and the first token (cls) are known; set one of them there.",
    )


def present(folder: Path) -> dict[str, Path]:
    return {name: folder / name for name in WANTED if (folder / name).exists()}


def contents_of(files: Mapping[str, Path]) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in files.items() if name != WEIGHTS}


def _json(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    """Return a file's JSON object; an empty one where there is no such file. Raises WeightsMismatch."""
    try:
        value = json.loads(files.get(name, b"{}"))
    except ValueError as error:
        raise RunError(
            Reason.WEIGHTS_MISMATCH, f"spec.backbone: {name} of the encoder is not JSON ({error}): store it anew."
        ) from error
    return value if isinstance(value, dict) else {}
