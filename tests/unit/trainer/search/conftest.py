"""What searches in tests work with: a folder of features, or a tiny network, and somebody who listens."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transfermodel_operator.api.spec import FineTuning, Search
from transfermodel_predictor.artifact.description import ImagePreprocessing, WeightsSource
from transfermodel_predictor.artifact.storage import open_store
from transfermodel_trainer.backbones.load import LoadedBackbone, image_network
from transfermodel_trainer.checkpoints import Checkpoints
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.limits import Limits
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.search.shared import Setup, Shared
from transfermodel_trainer.search.space import Space, head_methods, tuning_method
from transfermodel_trainer.search.study import Study

SQUEEZENET = "torchvision/squeezenet1_1"


class Listening(Progress):
    """Keeps what is said."""

    def __init__(self) -> None:
        """Nothing is printed."""
        super().__init__(quiet=True)
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        """Keep it."""
        self.lines.append(line)

    def trials(self) -> list[str]:
        """Return the lines about trials that are over."""
        return [line for line in self.lines if line.startswith("Trial ")]


@pytest.fixture
def listening() -> Listening:
    return Listening()


def write_features(folder: Path) -> Shared:
    """Write three classes that overlap, under two views."""
    folder.mkdir()
    shared, generator = Shared(folder), torch.Generator().manual_seed(0)
    classes = torch.arange(90) % 3
    features = torch.randn(2, 90, 16, generator=generator) + 1.5 * torch.eye(16)[classes]
    samples = Samples(torch.empty(90, 0), classes, [], [f"{number:064x}" for number in range(90)], [])
    pixels = ImagePreprocessing(size=32, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
    network = image_network(SQUEEZENET, 32, 3)
    source = WeightsSource(kind="scratch")
    setup = Setup(SQUEEZENET, pixels.document(), 3, 0, 0, 1, True, False)
    shared.write(setup, LoadedBackbone(network, pixels, SQUEEZENET, source, True))
    shared.write_samples("train", samples, rows=False)
    shared.write_features("train", features)
    return shared


def write_images(folder: Path) -> Shared:
    """Write images of two brightnesses, and a network that knows nothing yet."""
    folder.mkdir()
    shared, generator = Shared(folder), torch.Generator().manual_seed(0)
    pixels = ImagePreprocessing(size=32, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
    torch.manual_seed(0)
    network = image_network(SQUEEZENET, 32, 2)
    setup = Setup(SQUEEZENET, pixels.document(), 2, 0, 0, 1, False, False)
    shared.write(setup, LoadedBackbone(network, pixels, SQUEEZENET, WeightsSource(kind="scratch"), False))
    for split, count in (("train", 24), ("validation", 12)):
        classes = torch.arange(count) % 2
        noise = torch.randint(0, 100, (count, 3, 32, 32), generator=generator)
        rows = (noise + 100 * classes[:, None, None, None]).to(torch.uint8)
        digests = [f"{split} {number}" for number in range(count)]
        shared.write_samples(split, Samples(rows, classes, digests, digests, list(range(count))), rows=True)
    return shared


HEADS = Space(head_methods(mirrors=True, mirrored=False))
TUNING = Space(
    (
        tuning_method(
            FineTuning(unfreeze="All", epochs=4, batch_size=8),
            ("unfreeze", "epochs", "batchSize"),
            stages=9,
            samples=24,
            pretrained=False,
            augmented=True,
        ),
    )
)


@pytest.fixture
def study(tmp_path: Path, listening: Listening) -> Callable[..., Study]:
    """Make a study: of heads unless told otherwise."""

    def make(trials: int | None = 8, **changes: Any) -> Study:
        folder = changes.pop("folder", tmp_path / f"shared-{len(list(tmp_path.glob('shared-*')))}")
        tuned = changes.get("space") is TUNING
        facts: dict[str, Any] = {
            "search": changes.pop("search", Search(trials=trials)),
            "space": HEADS,
            "shared": (write_images if tuned else write_features)(folder),
            "judged_by": "the validation set",
            "seed": 0,
            "progress": listening,
            "limits": Limits.none(),
        }
        return Study(**(facts | changes))

    return make


@pytest.fixture
def checkpoints(tmp_path: Path, listening: Listening) -> Checkpoints:
    """Of a run, in a folder."""
    return Checkpoints(open_store((tmp_path / "kept").as_uri(), {}), listening)
