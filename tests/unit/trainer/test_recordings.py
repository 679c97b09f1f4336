"""What is measured on recordings, and how an image's trunk hears them."""

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
import torch
from safetensors.torch import save_file
from transfermodel_operator.api.spec import Input
from transfermodel_predictor.artifact.description import AudioPreprocessing, ImagePreprocessing
from transfermodel_predictor.inference.audio import AudioPipeline
from transfermodel_trainer.backbones import preprocessing, registry, torchvision_library
from transfermodel_trainer.backbones.load import network_of, plan
from transfermodel_trainer.backbones.preprocessing import AudioInput
from transfermodel_trainer.backbones.recordings import clip_of, measure
from transfermodel_trainer.publishing.export import check_export, export_onnx
from transfermodel_trainer.training.feeds import feed_of

from tests.support import sounds
from tests.unit.trainer.test_backbones import backbone

WANTED = AudioInput(sample_rate=8000, size=32, clip_seconds=None)
CPU = torch.device("cpu")


def measured(files: list[bytes], wanted: AudioInput = WANTED) -> AudioPreprocessing:
    return measure(wanted, len(files), files.__getitem__)


@pytest.mark.parametrize(
    ("seconds", "clip"),
    [
        ([0.5] * 20, 0.5),
        ([0.5] * 19 + [9.0], 0.5),
        ([0.5] * 17 + [2.0] * 3, 2.0),
        ([30.0] * 4, 10.0),
        ([0.001], 0.1),
        ([0.1234], 0.2),
        ([], 10.0),
    ],
)
def test_nineteen_in_twenty_are_heard_whole(seconds: list[float], clip: float) -> None:
    assert clip_of(seconds) == clip


def test_spectrograms_are_standardised() -> None:
    files = list(sounds.folder(per_class=5).values())
    found = measured(files)
    assert found.clip_seconds == pytest.approx(0.6, abs=0.11)
    assert (found.sample_rate, found.size) == (8000, 32)
    pipeline = AudioPipeline(found)
    rows = torch.stack([torch.from_numpy(pipeline.row(pipeline.decode(file))) for file in files])
    (inputs,) = feed_of(found, CPU)(rows)
    assert inputs.shape == (15, 1, 32, 32)
    assert float(inputs.mean()) == pytest.approx(0, abs=0.05)
    assert float(inputs.std()) == pytest.approx(1, abs=0.05)
    np.testing.assert_allclose(inputs.numpy(), pipeline.feeds(rows.numpy())["spectrograms"], atol=1e-5)


def test_one_more_recording_changes_nothing() -> None:
    files = list(sounds.folder(per_class=15).values())
    assert measured(files) == measured([*files, sounds.tone("low", 99)])


def test_what_the_user_says_counts() -> None:
    found = measured([sounds.tone("low", 0)], dataclasses.replace(WANTED, clip_seconds=0.25))
    assert found.clip_seconds == 0.25


def test_unreadable_and_silent_recordings_do_not_count_and_do_not_hurt() -> None:
    files = list(sounds.folder(per_class=3).values())
    assert measured([*files, b"", b"RIFFbroken"]) == measured(files)
    assert measured([b"rubbish"]) == WANTED.assumed()
    silence = io.BytesIO()
    soundfile.write(silence, np.zeros(4000), 8000, format="WAV")
    assert measured([silence.getvalue()]).std > 0


# -- where each setting comes from

BASE = AudioPreprocessing(sample_rate=11_025, clip_seconds=1.5, size=48, mean=-6.0, std=3.0)
OF_IMAGES = ImagePreprocessing(size=224, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


@pytest.mark.parametrize(
    ("given", "default", "expected"),
    [
        (None, None, AudioInput(16_000, 64, None)),
        (None, OF_IMAGES, AudioInput(16_000, 64, None)),
        ({"size": 32, "sampleRate": 8000, "clipSeconds": "0.5"}, OF_IMAGES, AudioInput(8000, 32, 0.5)),
        (None, BASE, BASE),
        ({"sampleRate": 22_050}, BASE, AudioInput(22_050, 48, 1.5)),
    ],
)
def test_settings(given: dict[str, Any] | None, default: Any, expected: Any) -> None:
    wanted = Input.model_validate(given) if given else None
    assert preprocessing.settle("AudioClassification", wanted, default) == expected


# -- the network


@pytest.mark.parametrize("name", ["torchvision/squeezenet1_1", "timm/resnet18"])
def test_each_channel_is_shown_the_spectrogram(name: str, tmp_path: Path) -> None:
    settled = AudioPreprocessing(sample_rate=8000, clip_seconds=0.5, size=32, mean=0, std=1)
    network = network_of(name, settled, 3).eval()
    spectrograms = torch.randn(4, 1, 32, 32)
    images = registry.build(name, 32)
    images.module.load_state_dict(network.library_weights().state_dict())
    images.module.eval()
    with torch.inference_mode():
        expected = images.module(spectrograms.expand(-1, 3, -1, -1)).flatten(1)
        torch.testing.assert_close(network.features(spectrograms)[:, : expected.shape[1]], expected)
    graph = export_onnx(network, {"spectrograms": network.example(2)[0]}, tmp_path / "model.onnx")
    check_export(graph, network, {"spectrograms": spectrograms}, 1)


def test_weights_of_images_are_loaded_by_their_own_names(tmp_path: Path) -> None:
    state = torchvision_library.build("resnet18", 32, classes=7).state_dict()
    save_file(state, tmp_path / "weights.safetensors")
    asked = backbone(
        "AudioClassification",
        name="torchvision/resnet18",
        weights={"uri": f"file://{tmp_path}/weights.safetensors"},
        input={"size": 32},
    )
    found = plan(asked, {}, tmp_path, tmp_path).assumed().load(3).network
    assert torch.equal(found.library_state()["layer4.1.conv2.weight"], state["layer4.1.conv2.weight"])
    assert set(found.library_state()) == set(state)
