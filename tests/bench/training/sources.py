"""Which data sets there are, and where they come from."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
import yaml
from safetensors.torch import save_file
from transfermodel_operator.api import RunBackbone
from transfermodel_operator.api.spec import FineTuning, Input, Weights
from transfermodel_trainer import machine
from transfermodel_trainer.training.device import Device

from examples.common.errors import DemoError
from examples.digits import dataset
from examples.text import encoder
from tests.bench.training import ours
from tests.bench.training.material import (
    File,
    Material,
    MaterialMissing,
    from_folder,
    from_table,
    from_weights,
    prepare,
)
from tests.bench.training.turns import Turn

RESNET = "torchvision/resnet18"
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
WEIGHTS = "weights/resnet18-cifar7-64px.safetensors"
DIGITS_BASE = Path(dataset.__file__).with_name("base.yaml")


@dataclass(frozen=True)
class Places:
    """Where what is not part of the repository lies."""

    data: Path
    """Real data sets; its README says of what."""
    folder: Path
    """For temporary files."""
    device: Device

    def find(self, path: str) -> Path:
        """Return a file or folder of the data sets. Raises MaterialMissing."""
        found = self.data / path
        if not found.exists():
            raise MaterialMissing(f"there is no {path} in the folder of data sets (--data)")
        return found


def digits(places: Places) -> Material:
    """Ten drawings each of the digits 5 to 9, by a backbone that learned 0 to 4: the example of this repository."""
    drawn = dataset.make()
    weights = digits_weights(drawn, places)
    spec = from_weights(RESNET, weights, dataset.FRAME)
    train, test = files_of(drawn.train), files_of(drawn.test)
    return prepare("digits", "ImageClassification", spec, train, test, places.folder)


def digits_weights(drawn: dataset.Digits, places: Places) -> Path:
    """Return the weights of the example's backbone, trained as its base.yaml says, once per machine."""
    training = yaml.safe_load(DIGITS_BASE.read_text())["spec"]["training"]
    settings = FineTuning.model_validate(training["fineTuning"])
    key = hashlib.sha256(f"{settings} {torch.__version__}".encode())
    for content in drawn.source.values():
        key.update(content)
    path = machine.cache_folder() / f"digits-base-{key.hexdigest()[:16]}.safetensors"
    if path.exists():
        return path
    scratch = RunBackbone(name=RESNET, weights=Weights(scratch=True), input=Input(size=dataset.FRAME))
    source = files_of(drawn.source)
    material = prepare("digits-base", "ImageClassification", scratch, source, source[:1], places.folder)
    turn = Turn(material, material.train, 0, places.device)
    context, _ = ours.run_strategy(turn, training["strategy"], *turn.parts(), fine_tuning=settings)
    partial = path.with_suffix(".partial")
    save_file(context.network.library_state(), partial)
    partial.replace(path)
    return path


def files_of(files: Mapping[str, bytes]) -> list[File]:
    """Return files by their paths, <class>/<name>."""
    return [File(path, content, path.split("/")[0]) for path, content in files.items()]


def horse_ship_truck(places: Places) -> Material:
    """Three classes of CIFAR-10, by a backbone that learned the seven others."""
    spec = from_weights(RESNET, places.find(WEIGHTS), 64)
    folder = places.find("images/horse-ship-truck")
    parts = from_folder(folder / "train", ".jpg"), from_folder(folder / "test", ".jpg")
    return prepare("horse-ship-truck", "ImageClassification", spec, *parts, places.folder)


def sst2(places: Places) -> Material:
    """Sentences of film reviews, positive or negative, by a general encoder of sentences."""
    tables = from_table(places.find("text/sst2/train.csv")), from_table(places.find("text/sst2/test.csv"))
    try:
        folder = encoder.fetch()
    except DemoError as error:
        raise MaterialMissing(str(error)) from error
    return prepare("sst2", "TextClassification", from_weights(MINILM, folder), *tables, places.folder)


def spoken_digits(places: Places) -> Material:
    """Recordings of the digits 0 to 9 by three speakers, as spectrograms, by a backbone that learned images."""
    spec = from_weights(RESNET, places.find(WEIGHTS), 64)
    folder = places.find("audio/spoken-digits")
    parts = from_folder(folder / "train", ".wav"), from_folder(folder / "test", ".wav")
    return prepare("spoken-digits", "AudioClassification", spec, *parts, places.folder)


def tiny(places: Places) -> Material:
    """A few drawings of three digits, by a small network with random weights: to try this program out, no more."""
    name = "torchvision/shufflenet_v2_x0_5"
    torch.manual_seed(0)
    scratch = RunBackbone(name=name, weights=Weights(scratch=True), input=Input(size=dataset.FRAME))
    drawn = dataset.make()
    train = [file for file in files_of(drawn.train) if file.label in "567"]
    test = [file for file in files_of(drawn.test) if file.label in "567"][::20]
    network = prepare("tiny", "ImageClassification", scratch, train, test, places.folder).backbone(0).network
    weights = places.folder / "tiny.safetensors"
    save_file(network.library_state(), weights)
    spec = from_weights(name, weights, dataset.FRAME)
    return prepare("tiny", "ImageClassification", spec, train, test, places.folder)


SOURCES: Final[Mapping[str, Callable[[Places], Material]]] = {
    "digits": digits,
    "horse-ship-truck": horse_ship_truck,
    "sst2": sst2,
    "spoken-digits": spoken_digits,
}
