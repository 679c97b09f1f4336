"""A trunk of images hears when something sounds, and how high."""

import copy

import pytest
import torch
from torch import Tensor, nn
from transfermodel_trainer.backbones import registry
from transfermodel_trainer.backbones.spectrograms import MOST_FEATURES, Spectral, of_spectrograms
from transfermodel_trainer.backbones.trunk import Trunk

pytestmark = pytest.mark.unit


def spectral(name: str = "torchvision/resnet18", size: int = 64) -> Trunk:
    torch.manual_seed(0)
    return of_spectrograms(registry.build(name, size))


@pytest.mark.parametrize(
    ("name", "size", "grid"),
    [
        ("torchvision/resnet18", 64, 128 * 16),
        ("torchvision/resnet18", 32, 64 * 16),
        ("torchvision/resnet50", 64, 512 * 4),
        ("timm/resnet18", 64, 128 * 16),
        ("torchvision/vit_b_16", 32, 0),
    ],
)
def test_the_grid_stands_beside_the_features_of_the_end(name: str, size: int, grid: int) -> None:
    plain, trunk = registry.build(name, size), spectral(name, size)
    assert trunk.width == plain.width + grid
    assert grid <= MOST_FEATURES
    assert trunk.module.eval()(*trunk.example(3)).shape == (3, trunk.width)


def test_the_grid_is_the_stages_own_averages() -> None:
    trunk = spectral()
    heard: list[Tensor] = []
    module = trunk.module.eval()
    assert isinstance(module, Spectral)
    module.module.get_submodule("layer2").register_forward_hook(lambda _, __, output: heard.append(output))
    with torch.inference_mode():
        features = module(torch.randn(2, 1, 64, 64))
    expected = nn.functional.adaptive_avg_pool2d(heard[0], 4).flatten(1)
    torch.testing.assert_close(features[:, -expected.shape[1] :], expected)


def test_a_sound_that_comes_later_is_another_one() -> None:
    early, late = torch.zeros(1, 1, 64, 64), torch.zeros(1, 1, 64, 64)
    early[..., :16], late[..., 48:] = 3.0, 3.0
    module = spectral().module.eval()
    with torch.inference_mode():
        silence = module(torch.zeros(1, 1, 64, 64))
        heard = [(module(sound) - silence)[0, 512:].reshape(128, 4, 4).abs().sum((0, 1)) for sound in (early, late)]
    assert [int(by_time.argmax()) for by_time in heard] == [0, 3]


def test_a_copy_listens_to_itself() -> None:
    module = spectral().module.eval()
    twin = copy.deepcopy(module)
    sound = torch.randn(1, 1, 64, 64)
    with torch.no_grad():
        before = module(sound)
        for weight in twin.parameters():
            weight.zero_()
        assert torch.equal(module(sound), before)
        assert not torch.equal(twin(sound), before)


def test_it_learns_through_the_grid() -> None:
    trunk = spectral()
    trunk.module(torch.randn(2, 1, 64, 64))[:, 512:].sum().backward()
    stem, _, second, third = (trunk.stages[index][0] for index in (0, 1, 2, 3))
    assert all(weight.grad is not None and weight.grad.any() for weight in (*stem.parameters(), *second.parameters()))
    assert not any(weight.grad is not None and weight.grad.any() for weight in third.parameters()), "it comes later"
