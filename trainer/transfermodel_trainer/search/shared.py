"""What all trials work with, in files that their processes map: it is in memory once, and made once.

The frozen trunk ran before: its features lie here, and the network as it is before fine-tuning.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from msgspec import convert
from safetensors.torch import load_file, save_file
from torch import Tensor
from transfermodel_predictor.artifact.description import Preprocessing

from transfermodel_trainer.backbones.load import LoadedBackbone, network_of
from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.data.samples import Samples

SETUP: Final = "setup.json"
START: Final = "start.safetensors"


@dataclass(frozen=True)
class Setup:
    """What the processes must know beside the data."""

    backbone: str
    """<library>/<architecture>."""
    preprocessing: dict[str, Any]
    classes: int
    seed: int
    gpus: int
    threads: int
    """Of each process."""
    pretrained: bool
    mirrored: bool
    """Whether fine-tuning may mirror images."""

    def settled(self) -> Preprocessing:
        """Return the preprocessing."""
        return cast(Preprocessing, convert(self.preprocessing, Preprocessing))


class Shared:
    """A folder of them."""

    def __init__(self, folder: Path) -> None:
        """Take the folder."""
        self.folder = folder

    def write(self, setup: Setup, backbone: LoadedBackbone) -> None:
        """Keep the network as it is now, and how to build it."""
        (self.folder / SETUP).write_text(json.dumps(asdict(setup)))
        save_file(of_network(backbone.network), self.folder / START)
        for name, content in backbone.files.items():
            (self.folder / f"file-{name}").write_bytes(content)

    def write_samples(self, split: str, samples: Samples, *, rows: bool) -> None:
        """Keep samples; rows: with what a network reads of them."""
        facts = {"classes": samples.classes.tolist(), "digests": samples.digests}
        (self.folder / f"{split}.json").write_text(json.dumps(facts))
        if rows:
            np.save(self.folder / f"{split}-rows.npy", samples.rows.numpy())

    def write_features(self, split: str, views: Tensor) -> None:
        """Keep features (V, N, D)."""
        np.save(self.folder / f"{split}-features.npy", views.numpy())

    def setup(self) -> Setup:
        """Return what `write` kept."""
        return Setup(**json.loads((self.folder / SETUP).read_text()))

    def network(self, setup: Setup) -> Network:
        """Build the network; its weights are random until `start` is loaded."""
        files = {path.name.removeprefix("file-"): path.read_bytes() for path in self.folder.glob("file-*")}
        return network_of(setup.backbone, setup.settled(), setup.classes, files)

    def start(self) -> dict[str, Tensor]:
        """Return the weights before fine-tuning."""
        return load_file(self.folder / START)

    def samples(self, split: str) -> Samples | None:
        """Return samples, their rows mapped; None: there is no such split."""
        path = self.folder / f"{split}.json"
        if not path.exists():
            return None
        facts = json.loads(path.read_text())
        rows = self._mapped(f"{split}-rows.npy")
        digests: list[str] = facts["digests"]
        return Samples(
            torch.empty(len(digests), 0) if rows is None else rows,
            torch.tensor(facts["classes"], dtype=torch.long),
            digests,
            digests,
            list(range(len(digests))),
        )

    def features(self, split: str) -> Tensor | None:
        """Return features (V, N, D), mapped; None: there are none."""
        return self._mapped(f"{split}-features.npy")

    def model(self, number: int) -> Path:
        """Return where the model of a trial is, or is to be."""
        return self.folder / f"trial-{number}.safetensors"

    def write_model(self, number: int, tensors: Mapping[str, Tensor]) -> None:
        """Keep the model of a trial."""
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, self.model(number))

    def read_model(self, number: int) -> dict[str, Tensor]:
        """Return what `write_model` kept."""
        return load_file(self.model(number))

    def _mapped(self, name: str) -> Tensor | None:
        path = self.folder / name
        # Copied where it is written to, which it never is: torch complains of what it may not write.
        return torch.from_numpy(np.load(path, mmap_mode="c")) if path.exists() else None


def of_network(network: Network) -> dict[str, Tensor]:
    """Return all weights and statistics of a network, fit for a file."""
    return {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
