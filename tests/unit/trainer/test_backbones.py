"""Architectures, weights and preprocessing."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from transfermodel_operator.api import FailureClass, Reason, RunRequest
from transfermodel_operator.api.spec import Input
from transfermodel_predictor.artifact.description import ImagePreprocessing
from transfermodel_predictor.artifact.manifest import write_manifest
from transfermodel_trainer.backbones import hub, preprocessing, registry, torchvision_library, weights
from transfermodel_trainer.backbones.load import BackbonePlan, LoadedBackbone, image_network, plan
from transfermodel_trainer.backbones.stored import sha256_of
from transfermodel_trainer.errors import RunError


def backbone(task: str = "ImageClassification", **values: Any) -> RunRequest:
    """Return a request with this backbone."""
    wire = {
        "run": "0",
        "namespace": "tests",
        "name": "a",
        "task": task,
        "backbone": values,
        "data": {"train": {"uri": "file:///nowhere"}},
        "training": {"strategy": "FeatureExtraction"},
        "outputUri": "file:///nowhere",
    }
    return RunRequest.model_validate_json(json.dumps(wire))


def planned(given: RunRequest, tmp_path: Path, *, allow: bool = True) -> BackbonePlan:
    return plan(given.model_copy(update={"allow_named_weights": allow}), {}, tmp_path, tmp_path)


def images_of(loaded: LoadedBackbone) -> ImagePreprocessing:
    """Return its preprocessing, which is of images."""
    assert isinstance(loaded.preprocessing, ImagePreprocessing)
    return loaded.preprocessing


def refused(given: RunRequest, tmp_path: Path, *, allow: bool = True) -> RunError:
    with pytest.raises(RunError) as caught:
        planned(given, tmp_path, allow=allow).load(3)
    return caught.value


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("resnet81", "resnet18"), ("resnet19", "resnet18"), ("mobilenet", "mobilenet_v2"), ("vit", "vit_b_16")],
)
def test_an_unknown_name_brings_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(RunError) as caught:
        registry.find(f"torchvision/{name}")
    assert caught.value.reason is Reason.UNKNOWN_BACKBONE
    assert f"torchvision/{nearest}" in caught.value.message


def test_only_classification_models_are_backbones() -> None:
    assert "resnet18" in torchvision_library.names()
    assert not {"fcn_resnet50", "fasterrcnn_resnet50_fpn", "r3d_18"} & set(torchvision_library.names())


def test_state_dict_is_torchvisions_own() -> None:
    network = image_network("torchvision/resnet18", 32, 7)
    network.load_state_dict(network.state_dict())
    model = torchvision_library.build("resnet18", 32, classes=7)
    model.load_state_dict(network.library_state())
    images = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(model.eval()(images), network.eval()(images))


@pytest.mark.parametrize(("name", "size"), [("inception_v3", 32), ("densenet121", 16), ("alexnet", 16)])
def test_an_input_too_small_is_a_sentence(name: str, size: int, tmp_path: Path) -> None:
    error = refused(backbone(name=f"torchvision/{name}", weights={"scratch": True}, input={"size": size}), tmp_path)
    assert error.reason is Reason.INVALID_SPEC
    assert f"size {size}" in error.message


def test_a_transformer_refuses_what_its_patches_do_not_divide(tmp_path: Path) -> None:
    error = refused(backbone(name="torchvision/vit_b_32", weights={"scratch": True}, input={"size": 40}), tmp_path)
    assert error.reason is Reason.INVALID_SPEC
    assert "224" in error.message


# -- safetensors


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """Weights of a resnet18 with another number of classes, in half precision."""
    path = tmp_path / "weights.safetensors"
    state = torchvision_library.build("resnet18", 32, classes=11).state_dict()
    save_file({key: value.half() if value.is_floating_point() else value for key, value in state.items()}, path)
    return path


def from_uri(path: Path, name: str = "resnet18", size: int = 32) -> RunRequest:
    return backbone(name=f"torchvision/{name}", weights={"uri": f"file://{path}"}, input={"size": size})


def test_a_file_fits_and_its_classifier_is_dropped(stored: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    loaded = planned(from_uri(stored), folder).load(3)
    assert loaded.network.trunk.state_dict()["conv1.weight"].dtype is torch.float32
    assert loaded.network.head.out_features == 3
    assert loaded.pretrained
    assert loaded.source.digest == sha256_of(stored)
    state = weights.read_safetensors(stored, "it")
    assert torch.equal(loaded.network.trunk.state_dict()["layer4.1.conv2.weight"], state["layer4.1.conv2.weight"])


def changed(stored: Path, **changes: torch.Tensor | None) -> Path:
    state = weights.read_safetensors(stored, "it")
    for key, value in changes.items():
        if value is None:
            del state[key.replace("__", ".")]
        else:
            state[key.replace("__", ".")] = value
    path = stored.with_name("changed.safetensors")
    save_file(state, path)
    return path


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("conv1__weight", None, ("missing", "conv1.weight")),
        ("extra", torch.zeros(2), ("unexpected", "extra")),
        ("conv1__weight", torch.zeros(64, 1, 7, 7), ("conv1.weight is 64x1x7x7", "64x3x7x7")),
    ],
)
def test_what_does_not_fit_is_named(
    stored: Path, tmp_path: Path, key: str, value: torch.Tensor | None, says: tuple[str, ...]
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    error = refused(from_uri(changed(stored, **{key: value})), folder)
    assert error.reason is Reason.WEIGHTS_MISMATCH
    assert all(word in error.message for word in says)


def test_another_architecture_does_not_fit(stored: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    error = refused(from_uri(stored, "resnet34"), folder)
    assert error.reason is Reason.WEIGHTS_MISMATCH
    assert "layer1.2.conv1.weight" in error.message


def test_no_safetensors_at_all(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    torch.save({"conv1.weight": torch.zeros(1)}, path)
    folder = tmp_path / "run"
    folder.mkdir()
    error = refused(from_uri(path), folder)
    assert error.reason is Reason.WEIGHTS_MISMATCH


def test_the_position_embedding_of_another_size(tmp_path: Path) -> None:
    path, folder = tmp_path / "vit.safetensors", tmp_path / "run"
    folder.mkdir()
    save_file(torchvision_library.build("vit_b_32", 64).state_dict(), path)
    error = refused(from_uri(path, "vit_b_32", size=32), folder)
    assert error.reason is Reason.WEIGHTS_MISMATCH
    assert "encoder.pos_embedding" in error.message
    assert "fixed input size" in error.message


def test_a_missing_file(tmp_path: Path) -> None:
    error = refused(from_uri(tmp_path / "absent.safetensors"), tmp_path)
    assert error.reason is Reason.DATA_NOT_FOUND
    assert "spec.backbone.weights.uri" in error.message


# -- named weights


def test_unknown_weights_bring_the_names(tmp_path: Path) -> None:
    error = refused(backbone(name="torchvision/resnet50", weights={"name": "IMAGENET9K"}), tmp_path)
    assert error.reason is Reason.WEIGHTS_UNAVAILABLE
    assert "IMAGENET1K_V1" in error.message
    assert "IMAGENET1K_V2" in error.message


def test_named_weights_can_be_forbidden(tmp_path: Path) -> None:
    error = refused(backbone(name="torchvision/resnet18", weights={"name": "DEFAULT"}), tmp_path, allow=False)
    assert error.reason is Reason.WEIGHTS_UNAVAILABLE
    assert "allowNamedWeights" in error.message


def test_weights_that_cannot_be_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A proxy that refuses every connection: the real loader, offline.
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    error = refused(backbone(name="torchvision/resnet18", weights={"name": "IMAGENET1K_V1"}), tmp_path)
    assert error.reason is Reason.WEIGHTS_UNAVAILABLE
    assert error.failure is FailureClass.STORAGE
    assert "IMAGENET1K_V1" in error.message
    assert "spec.backbone.weights.uri" in error.message


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with pytest.raises(OSError, match=r"no answer|timed out"):
            hub.reach(f"https://127.0.0.1:{silent.getsockname()[1]}/x.pth")


def test_cached_weights_need_no_network(tmp_path: Path) -> None:
    save_file(torchvision_library.build("resnet18", 224).state_dict(), tmp_path / "resnet18-IMAGENET1K_V1.safetensors")
    given = backbone(name="torchvision/resnet18", weights={"name": "DEFAULT"}, input={"size": 64, "resize": "Exact"})
    loaded = planned(given, tmp_path).load(2)
    assert (images_of(loaded).size, images_of(loaded).resize_to) == (64, None)
    assert loaded.source.reference == "IMAGENET1K_V1"


# -- preprocessing


def test_the_weights_own_transforms() -> None:
    entry = torchvision_library.named_weights("efficientnet_b0", "IMAGENET1K_V1")
    found = torchvision_library.of_named_weights(entry, "efficientnet_b0")
    assert (found.size, found.resize_to, found.interpolation) == (224, 256, "bicubic")
    assert found.mean == (0.485, 0.456, 0.406)


def test_inceptions_own_normalisation_is_part_of_the_preprocessing() -> None:
    entry = torchvision_library.named_weights("inception_v3", "IMAGENET1K_V1")
    assert torchvision_library.of_named_weights(entry, "inception_v3").mean == (0.5, 0.5, 0.5)


def test_an_input_without_mean_keeps_that_of_the_base() -> None:
    base = preprocessing.of_input(Input(size=64, mean=["0.1", "0.2", "0.3"], std=["1", "1", "1"]))
    found = preprocessing.resolve(Input(size=32), base)
    assert (found.size, found.mean) == (32, (0.1, 0.2, 0.3))


def test_without_weights_of_its_own_an_input_is_required() -> None:
    with pytest.raises(RunError) as caught:
        preprocessing.resolve(None, None)
    assert caught.value.reason is Reason.INPUT_REQUIRED


# -- base


@pytest.fixture
def base(tmp_path: Path) -> dict[str, str]:
    """A published resnet18 of five classes at 48 pixels."""
    folder = tmp_path / "base"
    folder.mkdir()
    network = image_network("torchvision/resnet18", 48, 5)
    save_file(network.library_state(), folder / "model.safetensors")
    (folder / "model.json").write_text(
        json.dumps(
            {
                "schemaVersion": 1,
                "task": "ImageClassification",
                "backbone": {"name": "torchvision/resnet18", "source": {"kind": "scratch"}, "strategy": "FineTuning"},
                "labels": ["a", "b", "c", "d", "e"],
                "preprocessing": {
                    "modality": "Image",
                    "size": 48,
                    "resize": "Exact",
                    "interpolation": "bilinear",
                    "mean": [0, 0, 0],
                    "std": [1, 1, 1],
                },
            }
        )
    )
    return {"transferModel": "base", "version": "v1", "uri": f"file://{folder}", "digest": write_manifest(folder)}


def test_a_base_brings_architecture_trunk_and_preprocessing(base: dict[str, str], tmp_path: Path) -> None:
    loaded = planned(backbone(base=base), tmp_path).load(2)
    assert (loaded.name, images_of(loaded).size, images_of(loaded).resize) == (
        "torchvision/resnet18",
        48,
        "Exact",
    )
    assert (loaded.source.kind, loaded.source.digest) == ("base", base["digest"])
    assert loaded.pretrained


def test_a_base_that_was_changed_is_refused(base: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "base" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    error = refused(backbone(base=base), tmp_path)
    assert error.reason is Reason.BASE_NOT_FOUND
    assert "base/v1" in error.message


def test_a_base_that_is_gone(base: dict[str, str], tmp_path: Path) -> None:
    gone = base | {"uri": f"file://{tmp_path}/gone"}
    assert refused(backbone(base=gone), tmp_path).reason is Reason.BASE_NOT_FOUND
