"""Every family of torchvision leaves as one ONNX graph that says the same; seconds each, with random weights."""

from pathlib import Path

import onnx
import pytest
import torch
from torch import nn
from transfermodel_operator.api import Reason
from transfermodel_trainer.backbones.load import image_network
from transfermodel_trainer.backbones.pooling import pooling_matrix
from transfermodel_trainer.errors import RunError
from transfermodel_trainer.publishing.export import check_export, export_onnx

# VGG is like AlexNet here, and ten times as large; ResNet and SqueezeNet are in test_run.py.
FAMILIES = [
    ("mobilenet_v3_small", 64),
    ("efficientnet_b0", 64),
    ("vit_b_32", 64),
    ("convnext_tiny", 64),
    ("swin_t", 64),
    ("densenet121", 64),
    ("alexnet", 96),
    ("googlenet", 64),
    ("inception_v3", 80),
    ("regnet_y_400mf", 64),
    ("shufflenet_v2_x0_5", 64),
    ("mnasnet0_5", 64),
]


@pytest.mark.parametrize(("name", "size"), FAMILIES)
def test_every_family(name: str, size: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = image_network(f"torchvision/{name}", size, 7).eval()
    model = export_onnx(network, {"images": network.example(2)[0]}, tmp_path / "model.onnx")
    check_export(model, network, {"images": torch.randn(4, 3, size, size)}, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"], "one file"
    graph = onnx.load_from_string(model).graph
    shape = graph.input[0].type.tensor_type.shape.dim
    assert shape[0].dim_param
    assert [side.dim_value for side in shape[1:]] == [3, size, size]


@pytest.mark.parametrize(("source", "target"), [(1, 6), (2, 7), (7, 7), (10, 6), (13, 3)])
def test_pooling_is_torchs(source: int, target: int) -> None:
    images = torch.randn(2, 3, source, source)
    matrix = pooling_matrix(source, target)
    expected = nn.functional.adaptive_avg_pool2d(images, target)
    torch.testing.assert_close(matrix @ images @ matrix.T, expected)


def test_what_cannot_be_exported_is_a_sentence(tmp_path: Path) -> None:
    class Fourier(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            transformed: torch.Tensor = torch.fft.fft2(images)
            return transformed.real.mean((2, 3))

    with pytest.raises(RunError, match="cannot be exported to ONNX") as caught:
        export_onnx(Fourier(), {"images": torch.zeros(2, 3, 8, 8)}, tmp_path / "model.onnx")
    assert caught.value.reason is Reason.EXPORT_MISMATCH


def test_an_answer_that_depends_on_the_padding_is_refused(tmp_path: Path) -> None:
    """A text is served beside others of any length: what differs then differs from what was trained."""

    class Mean(nn.Module):
        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            return (input_ids * attention_mask).float().mean(1, keepdim=True)

    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]])
    inputs = {"input_ids": torch.ones_like(mask), "attention_mask": mask}
    model = export_onnx(Mean(), inputs, tmp_path / "model.onnx", {0: "batch", 1: "sequence"})
    with pytest.raises(RunError, match="differs") as caught:
        check_export(model, Mean(), inputs, 1)
    assert caught.value.reason is Reason.EXPORT_MISMATCH


def test_a_graph_that_differs_is_refused(tmp_path: Path) -> None:
    network = image_network("torchvision/squeezenet1_1", 32, 3).eval()
    model = export_onnx(network, {"images": network.example(2)[0]}, tmp_path / "model.onnx")
    with torch.no_grad():
        network.head.bias.add_(0.1)
    with pytest.raises(RunError) as caught:
        check_export(model, network, {"images": torch.randn(4, 3, 32, 32)}, 1)
    assert caught.value.reason is Reason.EXPORT_MISMATCH
