"""Encoders of texts from transformers, which sentence-transformers stores alike.

transformers builds the architecture; the weights are read and checked here, and no code of a folder is ever run. A
text's features are the mean over its tokens of what the last layer says, or what it says of the first token, as the
folder wants it.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, cast

import torch
from torch import Tensor, nn
from transfermodel_operator.api import Reason

from transfermodel_trainer.backbones import encoder_files, hub, stored
from transfermodel_trainer.backbones.encoder_files import CONFIGURATION, FAMILIES, NEEDED, WANTED, Family, Pooling
from transfermodel_trainer.backbones.pretrained import Named, Pretrained
from transfermodel_trainer.backbones.trunk import Stages, Trunk
from transfermodel_trainer.errors import RunError, listed

BEST: Final = "DEFAULT"
MAIN: Final = "main"
CLASSIFIER: Final = "classifier"
HEADS: Final = ("pooler.", "classifier.", "lm_head.", "cls.", "qa_outputs.", "discriminator_predictions.")
"""What is stored beside an encoder, by the beginnings of tensors' names."""
BUFFERS: Final = ("position_ids", "token_type_ids")
"""Constants that older versions stored as tensors."""
SEQUENCE_FREE: Final[Mapping[int, str]] = {0: "batch", 1: "sequence"}
EXAMPLE_TOKENS: Final = 7

FINAL_NORMALISATION: Final = "final_norm"


class Encoders:
    """The entry of either library in the registry: they store encoders alike."""

    modality: Literal["Image", "Text"] = "Text"

    def __init__(self, library: str) -> None:
        """Take the library's name, which for sentence-transformers is that of its organisation on the hub, too."""
        self.library = library

    def architecture(self, name: str) -> str:
        """Return the name: what it is, the encoder's own config.json says."""
        if not name:
            raise RunError(
                Reason.UNKNOWN_BACKBONE,
                f"spec.backbone.name {self.library}/ names no encoder: use {self.library}/ and its name, such as "
                "sentence-transformers/all-MiniLM-L6-v2.",
            )
        return name

    def repository(self, architecture: str) -> str:
        """Return the repository on the Hugging Face hub."""
        own = self.library == "sentence-transformers" and "/" not in architecture
        return f"{self.library}/{architecture}" if own else architecture

    def named(self, architecture: str, weights: str, cache: Path) -> Named:
        """Look up an encoder on the hub; its weights' name is a revision, DEFAULT the newest."""
        repository, revision = self.repository(architecture), MAIN if weights == BEST else weights
        folder = hub.cached(repository, revision, WANTED, cache)
        return Named(
            reference=weights,
            origin=f"https://huggingface.co/{repository}",
            bytes=None,
            cached=folder is not None,
            preprocessing=encoder_files.preprocessing(
                encoder_files.contents_of(encoder_files.present(folder)), self.library
            )
            if folder is not None
            else None,
            fetch=partial(self._fetch, architecture, weights, revision, cache),
        )

    def _fetch(self, architecture: str, weights: str, revision: str, cache: Path) -> Pretrained:
        what = f"The weights {weights} of {self.library}/{architecture}"
        folder = hub.fetch(what, self.repository(architecture), revision, WANTED, cache)
        return encoder_files.pretrained(
            encoder_files.present(folder), [], weights, f"spec.backbone.weights.name {weights}"
        )

    def stored(self, uri: str, environment: Mapping[str, str], folder: Path, cache: Path) -> Pretrained:
        """Fetch an encoder's folder, or an archive of it."""
        if uri.endswith(".safetensors"):
            raise RunError(
                Reason.INVALID_SPEC,
                f"spec.backbone.weights.uri {uri} is a single file of tensors, which has no tokenizer: for text, name "
                f"the folder, or an archive of it, with {listed(list(NEEDED))}.",
            )
        files, names = stored.files_below(uri, WANTED, environment, folder, cache)
        return encoder_files.pretrained(files, names, uri, f"spec.backbone.weights.uri {uri}")

    def build(self, architecture: str, size: int, files: Mapping[str, bytes]) -> Trunk:
        """Return the encoder that the files describe, for texts of at most `size` tokens."""
        name = f"{self.library}/{architecture}"
        configuration = encoder_files.configuration_of(files, name)
        family = FAMILIES[configuration["model_type"]]
        longest = encoder_files.positions(configuration)
        if longest is not None and size > longest:
            raise RunError(
                Reason.INVALID_SPEC,
                f"spec.backbone.input.maxTokens {size} is more than {name} can read: set at most {longest}.",
            )
        model = _model(configuration, name)
        tokens = min(EXAMPLE_TOKENS, size)
        return Trunk(
            name=name,
            module=Pooled(model, encoder_files.pooling_of(files)),
            weights=model,
            width=int(model.config.hidden_size),
            stages=_stages(model, family),
            classifier=CLASSIFIER,
            left_out=HEADS,
            size=size,
            example=lambda count: (torch.ones(count, tokens, dtype=torch.int64),) * 2,
            sizes=f"at most {longest} tokens" if longest is not None else "",
            free_axes=SEQUENCE_FREE,
            own_names=partial(own_names, model=model),
        )


class Pooled(nn.Module):
    """An encoder whose answers for a text's tokens become one."""

    def __init__(self, model: nn.Module, pooling: Pooling) -> None:
        """Take the encoder."""
        super().__init__()
        self.model, self.pooling = model, pooling

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return (N, D) for token ids and their mask, (N, L) int64 both."""
        hidden = cast(Tensor, self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state)
        if self.pooling == "cls":
            return hidden[:, 0]
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        return (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)


def own_names(state: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Return an encoder's tensors by the names that it has alone.

    Stored with a head for another task they begin with the encoder's name, and that task's own tensors lie beside; the
    oldest files call the parts of a normalisation gamma and beta.
    """
    prefix = f"{model.base_model_prefix}."
    inside = any(key.startswith(prefix) for key in state)
    found = {}
    for key, value in state.items():
        if inside and not key.startswith(prefix):
            continue
        name = key.removeprefix(prefix) if inside else key
        if name.endswith(BUFFERS):
            continue
        found[name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")] = value
    return found


def _model(configuration: dict[str, Any], called: str) -> Any:
    """Return transformers' model with random weights, in float32 and without its pooler."""
    import transformers

    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    settings = {key: value for key, value in configuration.items() if key not in ("auto_map", "dtype", "torch_dtype")}
    try:
        made = transformers.CONFIG_MAPPING[settings.pop("model_type")](**settings)
        model = transformers.AutoModel.from_config(made, dtype=torch.float32)  # type: ignore[no-untyped-call]
    except Exception as error:  # a configuration is checked in many places, each with errors of its own
        raise RunError(
            Reason.INVALID_SPEC,
            f"{called}: transformers {transformers.__version__} cannot build an encoder from its {CONFIGURATION} "
            f"({(str(error).strip().splitlines() or [type(error).__name__])[0]}): store it anew.",
        ) from error
    if getattr(model, "pooler", None) is not None:
        model.pooler = None
    return model


def _stages(model: nn.Module, family: Family) -> Stages:
    """Return the embeddings, with whatever else is outside the layers, then each layer.

    A normalisation after the layers belongs to the last of them.
    """
    layers = model.get_submodule(family.layers)
    first: list[nn.Module] = []
    last: list[nn.Module] = []
    for name, module in _outside(model, layers):
        (last if name == FINAL_NORMALISATION else first).append(module)
    stages: Stages = [first, *([layer] for layer in layers.children())]
    stages[-1] += last
    return stages


def _outside(module: nn.Module, layers: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield the modules beside the layers, each as whole as can be."""
    for name, child in module.named_children():
        if child is layers:
            continue
        if any(part is layers for part in child.modules()):
            yield from _outside(child, layers)
        else:
            yield name, child
