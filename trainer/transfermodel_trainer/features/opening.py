"""What decides about features, and so what the cache keeps apart."""

import hashlib
from collections.abc import Callable
from importlib.metadata import version
from typing import Final

from transfermodel_predictor.artifact.canonical import canonical_json
from transfermodel_predictor.artifact.storage import Storage

from transfermodel_trainer.backbones.load import LoadedBackbone
from transfermodel_trainer.features.cache import FeatureCache
from transfermodel_trainer.training.device import Device

FORMAT: Final = 3
"""To be raised with any change of decoding, preprocessing or trunks after which features would be others."""
LIBRARIES: Final = ("numpy", "pillow", "soundfile", "timm", "tokenizers", "torch", "torchvision", "transformers")
"""Another version of these may decode, preprocess or compute otherwise."""


def open_cache(
    storage: Storage | None,
    backbone: LoadedBackbone,
    device: Device,
    say: Callable[[str], None],
    interval_seconds: float,
) -> FeatureCache | None:
    """Return the namespace's cache for a backbone; None without storage, or where the trunk is not a known one."""
    if storage is None or not backbone.pretrained or backbone.source.digest is None:
        return None
    return FeatureCache(storage, key_of(backbone, device), say, interval_seconds=interval_seconds)


def key_of(backbone: LoadedBackbone, device: Device) -> str:
    """Return the SHA-256 (hex) of all that decides about features beside the sample and the view."""
    facts = {
        "format": FORMAT,
        "libraries": {name: version(name) for name in LIBRARIES},
        "device": device.torch.type,
        "backbone": backbone.name,
        "weights": backbone.source.digest,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(backbone.files.items())},
        "preprocessing": backbone.preprocessing.document(),
    }
    return hashlib.sha256(canonical_json(facts)).hexdigest()
