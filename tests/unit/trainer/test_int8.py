"""Graphs of 8-bit integers say what those of Float32 say, or they are refused; no run fails of it."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
import torch
from torch import Tensor, nn
from transfermodel_operator.api import Int8Check
from transfermodel_predictor.inference.pipelines import pipeline_of
from transfermodel_predictor.inference.session import open_session
from transfermodel_trainer import machine
from transfermodel_trainer.backbones.load import image_network, plan
from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.publishing import int8 as publishing
from transfermodel_trainer.publishing.export import export_onnx
from transfermodel_trainer.publishing.int8 import Int8, compare, in_words, make_int8, timeless
from transfermodel_trainer.publishing.quantisation import quantise

from tests.support import encoders
from tests.support.colours import describe
from tests.unit.trainer.test_backbones import backbone

SIZE = 32
DESCRIPTION = describe(("blue", "green", "red"), SIZE)
PIPELINE = pipeline_of(DESCRIPTION.preprocessing, {})
OUTLIER = 3000.0


def samples(rows: Tensor, classes: Tensor) -> Samples:
    names = [str(number) for number in range(len(rows))]
    return Samples(rows, classes, names, names, list(range(len(rows))))


def pictures(count: int, seed: int) -> Samples:
    """Return smooth pictures with more of one colour, which is the class."""
    coarse = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed)) * 0.4
    classes = torch.arange(count) % 3
    coarse[torch.arange(count), classes] += 0.6
    rows = nn.functional.interpolate(coarse, SIZE, mode="bilinear").mul(255).to(torch.uint8)
    return samples(rows, classes)


TRAIN, JUDGED = pictures(240, 1), pictures(200, 2)


def images(chosen: Samples) -> Tensor:
    return torch.from_numpy(PIPELINE.feeds(chosen.rows.numpy())["images"])


@pytest.fixture(scope="module")
def network() -> Network:
    """A trunk with random weights, and a head that learned."""
    torch.manual_seed(0)
    made = image_network("torchvision/resnet18", SIZE, 3).eval()
    with torch.no_grad():
        features, wanted = made.features(images(TRAIN)), nn.functional.one_hot(TRAIN.classes).float()
        inputs = torch.cat([features, torch.ones(len(features), 1)], 1).double()
        penalty = torch.eye(inputs.shape[1]).double() * 10
        solved = torch.linalg.solve(inputs.T @ inputs + penalty, inputs.T @ wanted.double()).float()
        made.head.weight.copy_(solved[:-1].T)
        made.head.bias.copy_(solved[-1])
    return made


def with_outliers(network: Network) -> Network:
    """Make one channel of each block far larger, and what reads it smaller in turn: the same function in Float32."""
    with torch.no_grad():
        for name, block in network.trunk.named_modules():
            if name.startswith("layer") and hasattr(block, "conv2"):
                block.bn1.weight[3] *= OUTLIER
                block.bn1.bias[3] *= OUTLIER
                block.conv2.weight[:, 3] /= OUTLIER
    return network


def made(network: Network, folder: Path, **changes: object) -> Int8:
    """Export a network, and return what came of it in integers."""
    path = folder / "model.onnx"
    export_onnx(network, {"images": network.example(2)[0]}, path)
    with torch.inference_mode():
        served = network(images(JUDGED))
    wanted = {"train": TRAIN, "judged": JUDGED, "served": served, "seed": 0} | changes
    return make_int8(path, DESCRIPTION, {}, folder=folder, threads=1, **wanted)


def operators(graph: bytes) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load_from_string(graph).graph.node)


def test_integers_say_the_same(network: Network, tmp_path: Path) -> None:
    int8 = made(network, tmp_path)
    assert int8.model is not None
    assert int8.check.refusal is None
    assert int8.check.samples == len(JUDGED)
    assert float(int8.check.agreement or 0) > 0.97
    assert abs(float(int8.check.accuracy or 0) - float(int8.check.float32_accuracy or 0)) <= 0.005
    assert len(int8.model) < 0.3 * (tmp_path / "model.onnx").stat().st_size
    session = open_session(int8.model, 1, ("images",))
    with torch.inference_mode():
        expected = network(images(JUDGED))
    for size in (1, 5):
        got = torch.from_numpy(session.logits({"images": images(JUDGED)[:size].numpy()}))
        assert float((got - expected[:size]).abs().mean()) < 0.1 * float(expected.std())


def test_all_but_the_head_are_integers(network: Network, tmp_path: Path) -> None:
    int8 = made(network, tmp_path)
    assert int8.model is not None
    graph = onnx.load_from_string(int8.model).graph
    producer = {output: node for node in graph.node for output in node.output}
    for node in graph.node:
        if node.op_type in ("Conv", "Add", "Gemm"):
            sources = {producer[name].op_type for name in node.input if name in producer}
            assert (sources == {"DequantizeLinear"}) == (node.op_type != "Gemm"), node.name
    weights = [onnx.numpy_helper.to_array(entry) for entry in graph.initializer if entry.name.endswith("_quantized")]
    kernels = [weight for weight in weights if weight.dtype == "int8" and weight.ndim == 4]
    assert len(kernels) == 20
    assert all(abs(int(weight.min())) <= 64 and int(weight.max()) <= 64 for weight in kernels), "seven bits"


def test_it_depends_on_the_seed_alone(network: Network, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    first, again = made(network, tmp_path / "a"), made(network, tmp_path / "b")
    assert (first.model, timeless(first.check)) == (again.model, timeless(again.check))
    assert made(network, tmp_path / "c", seed=1).model != first.model, "other samples set the ranges"


def test_what_integers_cannot_hold_is_refused(network: Network, tmp_path: Path) -> None:
    """Of an activation with channels of very different sizes, one scale leaves the small ones nothing."""
    torch.manual_seed(0)
    changed = image_network("torchvision/resnet18", SIZE, 3).eval()
    changed.load_state_dict(network.state_dict())
    with_outliers(changed)
    with torch.inference_mode():
        torch.testing.assert_close(changed(images(JUDGED)), network(images(JUDGED)), atol=1e-3, rtol=1e-3)
    int8 = made(changed, tmp_path)
    assert int8.model is None
    check = int8.check
    assert check.refusal == (
        f"Its accuracy on 200 images is {check.accuracy} in 8-bit integers and {check.float32_accuracy} in Float32: "
        "more than half a point lower."
    )
    assert float(check.accuracy or 1) < float(check.float32_accuracy or 0) - 0.005
    assert in_words(check) == check.refusal


def test_half_a_point() -> None:
    """10 samples of 2,000 are half a point, 11 more than that; of few samples each is more."""

    def judged(count: int, wrong: int) -> Int8Check:
        classes = torch.zeros(count, dtype=torch.int64)
        right = nn.functional.one_hot(classes, 2).float()
        answered = right.clone()
        answered[:wrong] = answered[:wrong].flip(1)
        return compare(right, answered, classes, "texts")

    assert judged(2000, 10).refusal is None
    assert judged(2000, 11).refusal == (
        "Its accuracy on 2000 texts is 0.9945 in 8-bit integers and 1.0000 in Float32: more than half a point lower."
    )
    assert judged(150, 0).refusal is None
    assert judged(150, 1).refusal is not None
    assert judged(2000, 10).agreement == "0.9950"
    better = compare(torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, 0.0]]), torch.tensor([0]), "texts")
    assert (better.accuracy, better.float32_accuracy, better.refusal) == ("1.0000", "0.0000", None)


def test_a_text_encoder_takes_ranges_from_each_batch(tmp_path: Path) -> None:
    uri = f"file://{encoders.write(tmp_path / 'encoder', pooling='mean_tokens')}"
    asked = backbone("TextClassification", name="sentence-transformers/tiny", weights={"uri": uri})
    found = plan(asked, {}, tmp_path, tmp_path).load(2)
    network = found.network.eval()
    path = tmp_path / "model.onnx"
    names = ("input_ids", "attention_mask")
    export_onnx(network, dict(zip(names, network.example(2), strict=True)), path, network.free_axes)
    pipeline = pipeline_of(found.preprocessing, found.files)
    texts = ["a good film", "a bad and very long book , not so good", "the plot was awful", "great"] * 4
    feeds = pipeline.feeds(torch.stack([torch.from_numpy(pipeline.row(text)) for text in texts]).numpy())
    graph = quantise(path, iter(()), tmp_path, 1)
    found_operators = operators(graph)
    assert found_operators["MatMulInteger"] == 2 * 6, "the products with weights, those of attention not"
    assert found_operators["MatMul"] > 0
    expected, got = (open_session(model, 1, names).logits(feeds) for model in (path, graph))
    assert abs(got - expected).max() < 0.1 * expected.std(), "of both"


def test_nothing_that_goes_wrong_fails_a_run(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no graph")
    served = torch.zeros(len(JUDGED), 3)
    int8 = make_int8(path, DESCRIPTION, {}, TRAIN, JUDGED, served, 0, tmp_path, 1)
    assert int8.model is None
    assert (int8.check.refusal or "").startswith("ONNX Runtime cannot make this network one of 8-bit integers (")
    assert int8.check.accuracy is None


def too_slow(monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    monkeypatch.setattr(publishing, "MOST_SECONDS", 0.0)
    return "took more than 0 s"


def too_large(monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    monkeypatch.setattr(publishing, "MOST_BYTES", 10_000_000)
    return "A graph of 45 MB is not made one of 8-bit integers; 10 MB is the most."


def too_little_memory(monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    (folder / "limit").write_text("1000000000\n")
    (folder / "usage").write_text("900000000\n")
    (folder / "memory.stat").write_text("anon 700000000\ninactive_file 200000000\n")
    monkeypatch.setattr(machine, "MEMORY_CGROUPS", ((folder, "limit", "usage"),))
    return "takes some 468 MB of memory, and 300 MB were left: raise spec.training.resources.limits.memory."


@pytest.mark.parametrize("bound", [too_slow, too_large, too_little_memory])
def test_it_is_left_out_where_it_costs_too_much(
    bound: Callable[[pytest.MonkeyPatch, Path], str],
    network: Network,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = bound(monkeypatch, tmp_path)
    int8 = made(network, tmp_path)
    assert int8.model is None
    assert expected in (int8.check.refusal or "")


def test_free_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(machine, "MEMORY_CGROUPS", ((tmp_path, "memory.max", "memory.current"),))
    assert machine.free_memory() is None
    (tmp_path / "meminfo").write_text("MemTotal: 2000 kB\nMemAvailable:    1000 kB\n")
    assert machine.free_memory() == 1_024_000
    (tmp_path / "memory.stat").write_text("anon 5\ninactive_file 300\n")
    (tmp_path / "memory.current").write_text("500\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.free_memory() == 1_024_000, "no limit"
    (tmp_path / "memory.max").write_text("1000\n")
    assert machine.free_memory() == 800


def test_in_words() -> None:
    check = Int8Check(accuracy="0.8650", float32_accuracy="0.8667", agreement="0.9883", samples=600, speedup="3.63")
    assert in_words(check) == (
        "accuracy 0.8650 (Float32: 0.8667, the same label for 98.8%) on 600 samples, 3.6 times as fast."
    )
    assert "fast" not in in_words(timeless(check))
