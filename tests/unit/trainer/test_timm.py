"""timm's architectures: built, parted, exported; their weights by name and by file."""

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file
from transfermodel_operator.api import FailureClass, Reason
from transfermodel_predictor.artifact.description import ImagePreprocessing
from transfermodel_trainer.backbones import hub, registry
from transfermodel_trainer.backbones.load import image_network, plan
from transfermodel_trainer.backbones.stages import stages
from transfermodel_trainer.backbones.timm_library import Timm, of_configuration
from transfermodel_trainer.errors import RunError
from transfermodel_trainer.publishing.export import check_export, export_onnx

from tests.unit.trainer.test_backbones import backbone

# One of each kind of stem, blocks and head; the number is that of stages.
FAMILIES = [
    ("resnet18", 32, 5),
    ("mobilenetv3_small_050", 32, 8),
    ("convnext_atto", 32, 5),
    ("regnety_002", 32, 5),
    ("vit_tiny_patch16_224", 48, 13),
    ("deit_tiny_distilled_patch16_224", 48, 13),
    ("mobilevit_xxs", 64, 7),
    ("levit_128s", 224, 4),
]


@pytest.mark.parametrize(("name", "size", "count"), FAMILIES)
def test_families(name: str, size: int, count: int, tmp_path: Path) -> None:
    network = image_network(f"timm/{name}", size, 5).eval()
    network.check_input()
    assert network.features(*network.example(2)).shape == (2, network.width)
    sequence = stages(network)
    assert len(sequence) == count
    held = [id(weight) for stage in sequence for module in stage for weight in module.parameters()]
    assert len(held) == len(set(held))
    direct = {key for key, weight in network.trunk.named_parameters() if id(weight) not in set(held)}
    assert direct <= {"cls_token", "dist_token", "pos_embed"}
    model = export_onnx(network, {"images": network.example(2)[0]}, tmp_path / "model.onnx")
    check_export(model, network, {"images": torch.randn(3, 3, size, size)}, 1)


@pytest.mark.parametrize("name", ["resnet18", "convnext_atto", "deit_tiny_distilled_patch16_224", "levit_128s"])
def test_a_file_in_timms_own_names(name: str, tmp_path: Path) -> None:
    """The whole model, classifier and all, as timm stores it."""
    whole = timm.create_model(name, pretrained=False, num_classes=7)
    save_file(whole.state_dict(), tmp_path / "weights.safetensors")
    settings = timm.get_pretrained_cfg(name)
    assert settings is not None
    size = settings.input_size[-1]
    asked = backbone(
        name=f"timm/{name}", weights={"uri": f"file://{tmp_path}/weights.safetensors"}, input={"size": size}
    )
    loaded = plan(asked, {}, tmp_path, tmp_path).load(3)
    assert loaded.name == f"timm/{name}"
    images = torch.randn(2, 3, size, size)
    headless = timm.create_model(name, pretrained=False, num_classes=0)
    headless.load_state_dict(whole.state_dict(), strict=False)
    with torch.inference_mode():
        torch.testing.assert_close(loaded.network.eval().features(images), headless.eval()(images))
    again = tmp_path / "again.safetensors"
    save_file(loaded.network.library_state(), again)
    asked = backbone(name=f"timm/{name}", weights={"uri": f"file://{again}"}, input={"size": size})
    plan(asked, {}, tmp_path, tmp_path).load(2)


def refused(tmp_path: Path, *, allow: bool = True, **values: Any) -> RunError:
    asked = backbone(**values).model_copy(update={"allow_named_weights": allow})
    with pytest.raises(RunError) as caught:
        plan(asked, {}, tmp_path, tmp_path).load(3)
    return caught.value


def test_torchvisions_names_do_not_fit(tmp_path: Path) -> None:
    save_file(registry.build("torchvision/vit_b_32", 64).module.state_dict(), tmp_path / "weights.safetensors")
    error = refused(
        tmp_path,
        name="timm/vit_tiny_patch16_224",
        weights={"uri": f"file://{tmp_path}/weights.safetensors"},
        input={"size": 64},
    )
    assert error.reason is Reason.WEIGHTS_MISMATCH
    assert "timm's own tensor names" in error.message


def test_an_unknown_name_brings_the_nearest(tmp_path: Path) -> None:
    error = refused(tmp_path, name="timm/resnet81", weights={"scratch": True}, input={"size": 32})
    assert error.reason is Reason.UNKNOWN_BACKBONE
    assert "timm/resnet18" in error.message


def test_a_tag_belongs_to_the_weights(tmp_path: Path) -> None:
    error = refused(tmp_path, name="timm/resnet18.a1_in1k", weights={"name": "DEFAULT"})
    assert error.reason is Reason.UNKNOWN_BACKBONE
    assert "timm/resnet18 with weights {name: a1_in1k}" in error.message


@pytest.mark.parametrize(("name", "size"), [("vit_tiny_patch16_224", 8), ("inception_v3", 32)])
def test_a_size_that_does_not_suit(name: str, size: int, tmp_path: Path) -> None:
    error = refused(tmp_path, name=f"timm/{name}", weights={"scratch": True}, input={"size": size})
    assert error.reason is Reason.INVALID_SPEC
    assert f"size {size}" in error.message
    assert "its own" in error.message


# -- named weights


def test_unknown_weights_bring_the_names(tmp_path: Path) -> None:
    error = refused(tmp_path, name="timm/resnet18", weights={"name": "a9_in1k"})
    assert error.reason is Reason.WEIGHTS_UNAVAILABLE
    assert "a1_in1k" in error.message


def test_the_weights_own_transforms(tmp_path: Path) -> None:
    named = Timm().named("resnet18", "DEFAULT", tmp_path)
    assert (named.reference, named.cached) == ("a1_in1k", False)
    assert named.preprocessing == ImagePreprocessing(
        size=224,
        resize_to=236,
        interpolation="bicubic",
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
    )


def test_every_architecture_says_how_it_is_shown_images() -> None:
    found = [timm.get_pretrained_cfg(name) for name in timm.list_models(pretrained=True)]
    assert len(found) > 1000
    for configuration in found:
        assert configuration is not None
        assert of_configuration(configuration).size >= 32


def test_named_weights_can_be_forbidden(tmp_path: Path) -> None:
    error = refused(tmp_path, name="timm/resnet18", weights={"name": "DEFAULT"}, allow=False)
    assert error.reason is Reason.WEIGHTS_UNAVAILABLE
    assert "allowNamedWeights" in error.message


def test_without_network_and_cache_it_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "CONNECT_SECONDS", 2.0)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    error = refused(tmp_path, name="timm/resnet18", weights={"name": "DEFAULT"})
    assert (error.reason, error.failure) == (Reason.WEIGHTS_UNAVAILABLE, FailureClass.STORAGE)
    assert "a1_in1k of timm/resnet18" in error.message
    assert "spec.backbone.weights.uri" in error.message
