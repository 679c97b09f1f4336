"""What needs no transfer: the trainer's own head on an untrained trunk, and on raw pixels."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transfermodel_predictor.artifact.description import ImagePreprocessing
from transfermodel_predictor.inference.decode import decode_image
from transfermodel_predictor.inference.preprocess import resize_and_crop
from transfermodel_trainer.backbones.load import image_network
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.progress import Progress
from transfermodel_trainer.training.device import choose_device
from transfermodel_trainer.training.feeds import ImageFeed
from transfermodel_trainer.training.inference import compute_logits
from transfermodel_trainer.training.probe import fit_probe
from transfermodel_trainer.training.ridge import fit_ridge

from examples.digits.dataset import FRAME, Digits, Files

ARCHITECTURE = "torchvision/resnet18"
SEED = 0
# What spec.backbone.input {size: 32} means.
PREPROCESSING = ImagePreprocessing(size=FRAME, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


@dataclass(frozen=True)
class Baselines:
    """Accuracies on the test set."""

    untrained_trunk: float
    raw_pixels: float


def measure(digits: Digits) -> Baselines:
    """Learn from the customer's training images, judge on the test images."""
    torch.set_num_threads(1)  # whatever trains meanwhile needs the other processors
    train, test = images(digits.train), images(digits.test)
    return Baselines(untrained_trunk(train, test), raw_pixels(train, test))


def untrained_trunk(train: Samples, test: Samples) -> float:
    """Return the accuracy of FeatureExtraction on random weights."""
    device = choose_device(0)
    feed = ImageFeed(PREPROCESSING, device.torch)
    torch.manual_seed(SEED)
    network = image_network(ARCHITECTURE, FRAME, int(train.classes.max()) + 1).to(device.torch)
    fit_probe(network, train, feed, Progress(quiet=True))
    return accuracy(compute_logits(network, test, feed), test)


def raw_pixels(train: Samples, test: Samples) -> float:
    """Return the accuracy of the same head on the pixels themselves."""
    features = [part.rows.float().flatten(1) / 255 for part in (train, test)]
    head = fit_ridge(features[0][None], train.classes, int(train.classes.max()) + 1).head
    return accuracy(head(features[1]), test)


def accuracy(logits: Tensor, truth: Samples) -> float:
    """Return the part of the logits (N, K) that is right."""
    return float((logits.argmax(1) == truth.classes).double().mean())


def images(files: Files) -> Samples:
    """Return the files as the trainer holds them: decoded and resized as in serving."""
    labels = sorted({path.split("/")[0] for path in files})
    pixels = np.stack([resize_and_crop(decode_image(file), PREPROCESSING) for file in files.values()])  # (N, H, W, 3)
    return Samples(
        rows=torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(),
        classes=torch.tensor([labels.index(path.split("/")[0]) for path in files]),
        names=list(files),
        digests=list(files),
        positions=list(range(len(files))),
    )
