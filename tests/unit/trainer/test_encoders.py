"""Encoders of texts: what a folder must hold, what is made of it, and that it leaves as one graph."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from safetensors.torch import load_file, save_file
from transfermodel_operator.api import Reason
from transfermodel_predictor.artifact.description import TextPreprocessing
from transfermodel_predictor.inference.pipelines import pipeline_of
from transfermodel_trainer.backbones import registry
from transfermodel_trainer.backbones.encoder_files import FAMILIES
from transfermodel_trainer.backbones.load import BackbonePlan, LoadedBackbone, plan
from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.backbones.stages import stages, unfreeze_last
from transfermodel_trainer.errors import RunError
from transfermodel_trainer.publishing.export import check_export, export_onnx
from transfermodel_trainer.training.feeds import feed_of

from tests.support import datasets, encoders
from tests.unit.trainer.test_backbones import backbone

CPU = torch.device("cpu")
SENTENCES = ["good film", "a very very long and bad book , but so fine !", "not poor", "the", "great meal ."]


def asked(uri: str, **changes: Any) -> Any:
    return backbone("TextClassification", name="transformers/tiny", weights={"uri": uri}, **changes)


def planned(folder: Path, tmp_path: Path, **changes: Any) -> BackbonePlan:
    return plan(asked(f"file://{folder}", **changes), {}, tmp_path, tmp_path)


def refused(folder: Path, tmp_path: Path, **changes: Any) -> RunError:
    with pytest.raises(RunError) as caught:
        planned(folder, tmp_path, **changes).load(2)
    return caught.value


def rows_of(loaded: LoadedBackbone, texts: list[str]) -> torch.Tensor:
    pipeline = pipeline_of(loaded.preprocessing, loaded.files)
    return torch.stack([torch.from_numpy(pipeline.row(pipeline.decode(text.encode()))) for text in texts])


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family(family: str, tmp_path: Path) -> None:
    """Loaded as stored, with a stage for the embeddings and for each layer, and exported with both axes free."""
    folder = encoders.write(tmp_path / "encoder", family)
    loaded = planned(folder, tmp_path).load(3)
    network = loaded.network.eval()
    own = encoders.model(family)
    ids = torch.tensor([[2, 4, 13, 3], [2, 7, 3, 0]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
    with torch.inference_mode():
        hidden = own(input_ids=ids, attention_mask=mask).last_hidden_state
        features = network.features(ids, mask)
    torch.testing.assert_close(features[0], hidden[0].mean(0), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(features[1], hidden[1, :3].mean(0), atol=1e-5, rtol=1e-4)
    assert features.shape == (2, network.width)

    sequence = stages(network)
    assert len(sequence) == (2 if family == "albert" else 3)  # ALBERT's layers share their weights
    held = [id(weight) for stage in sequence for module in stage for weight in module.parameters()]
    assert len(held) == len(set(held))
    assert {id(weight) for weight in network.trunk.parameters()} == set(held)

    feed = feed_of(loaded.preprocessing, CPU)
    inputs = dict(zip(("input_ids", "attention_mask"), feed(rows_of(loaded, SENTENCES)), strict=True))
    example = dict(zip(inputs, network.example(2), strict=True))
    graph = export_onnx(network, example, tmp_path / "model.onnx", network.free_axes)
    check_export(graph, network, inputs, 1)
    for entry in onnx.load_from_string(graph).graph.input:
        assert [axis.dim_param for axis in entry.type.tensor_type.shape.dim] == ["batch", "sequence"]


def test_a_text_alone_is_answered_as_among_longer_ones(tmp_path: Path) -> None:
    loaded = planned(encoders.write(tmp_path / "encoder"), tmp_path).load(2)
    feed, rows = feed_of(loaded.preprocessing, CPU), rows_of(loaded, SENTENCES)
    with torch.inference_mode():
        together = loaded.network.eval()(*feed(rows))
        alone = torch.cat([loaded.network(*feed(row[None])) for row in rows])
    torch.testing.assert_close(alone, together, atol=1e-5, rtol=1e-4)


def test_the_first_token_where_the_folder_says_so(tmp_path: Path) -> None:
    network = planned(encoders.write(tmp_path / "encoder", pooling="cls_token"), tmp_path).load(2).network.eval()
    ids, mask = torch.tensor([[2, 4, 3]]), torch.ones(1, 3, dtype=torch.int64)
    with torch.inference_mode():
        hidden = encoders.model()(input_ids=ids, attention_mask=mask).last_hidden_state
        torch.testing.assert_close(network.features(ids, mask), hidden[:, 0], atol=1e-5, rtol=1e-4)


def test_another_way_of_pooling_is_refused(tmp_path: Path) -> None:
    error = refused(encoders.write(tmp_path / "encoder", pooling="max_tokens"), tmp_path)
    assert error.reason is Reason.INVALID_SPEC
    assert "pooling_mode_max_tokens" in error.message


@pytest.mark.parametrize(
    ("files", "given", "expected"),
    [
        ({}, None, 64),
        ({"sentence_bert_config.json": {"max_seq_length": 20}}, None, 20),
        ({"tokenizer_config.json": {"model_max_length": 30}}, None, 30),
        ({"tokenizer_config.json": {"model_max_length": 10**30}}, None, 64),
        ({"sentence_bert_config.json": {"max_seq_length": 20}}, {"maxTokens": 40}, 40),
    ],
)
def test_how_much_of_a_text_is_read(
    tmp_path: Path, files: dict[str, Any], given: dict[str, int] | None, expected: int
) -> None:
    folder = encoders.write(tmp_path / "encoder")
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    changes = {} if given is None else {"input": given}
    assert planned(folder, tmp_path, **changes).preprocessing == TextPreprocessing(max_tokens=expected)


@pytest.mark.parametrize(("family", "most"), [("bert", 64), ("roberta", 62)])
def test_more_tokens_than_there_are_places_for(family: str, most: int, tmp_path: Path) -> None:
    folder = encoders.write(tmp_path / "encoder", family)
    error = refused(folder, tmp_path, input={"maxTokens": most + 1})
    assert error.reason is Reason.INVALID_SPEC
    assert f"at most {most}" in error.message
    network = planned(folder, tmp_path, input={"maxTokens": most}).load(2).network
    network(torch.full((1, most), 5), torch.ones(1, most, dtype=torch.int64))


def test_the_digest_is_of_the_files_that_count(tmp_path: Path) -> None:
    folder = encoders.write(tmp_path / "encoder")
    before = planned(folder, tmp_path).source
    (folder / "README.md").write_text("changed")
    assert planned(folder, tmp_path).source == before
    (folder / "tokenizer.json").write_text(encoders.tokenizer(encoders.WORDS[:-1]))
    assert planned(folder, tmp_path).source.digest != before.digest
    assert before.kind == "uri"


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "zip"])
def test_an_archive_even_wrapped(suffix: str, tmp_path: Path) -> None:
    folder = encoders.write(tmp_path / "encoder", pooling="cls_token")
    files = {
        f"wrapped/{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*") if path.is_file()
    } | {"wrapped/deeper/config.json": b"{}"}
    packed = (
        datasets.zip_archive(files) if suffix == "zip" else datasets.tar(files, compression=suffix.partition(".")[2])
    )
    archive = tmp_path / f"encoder.{suffix}"
    archive.write_bytes(packed)
    found, plain = planned(archive, tmp_path), planned(folder, tmp_path)
    assert (found.source.digest, found.files) == (plain.source.digest, plain.files)


# -- what does not fit


@pytest.mark.parametrize("family", ["gpt2", "vit", "t5", None])
def test_only_encoders_of_texts(family: str | None, tmp_path: Path) -> None:
    folder = encoders.write(tmp_path / "encoder")
    (folder / "config.json").write_text(json.dumps({"model_type": family} if family else {}))
    error = refused(folder, tmp_path)
    assert error.reason is Reason.INVALID_SPEC
    assert "no encoder of texts" in error.message
    assert "bert" in error.message


def test_an_encoder_that_writes(tmp_path: Path) -> None:
    folder = encoders.write(tmp_path / "encoder")
    (folder / "config.json").write_text(json.dumps(encoders.configuration(is_decoder=True)))
    assert "set up to write texts" in refused(folder, tmp_path).message


def test_code_in_the_folder_is_never_run(tmp_path: Path) -> None:
    folder = encoders.write(tmp_path / "encoder")
    marker = tmp_path / "ran"
    (folder / "modeling_own.py").write_text(f"open({str(marker)!r}, 'w')")
    settings = encoders.configuration(auto_map={"AutoModel": "modeling_own.Own", "AutoConfig": "modeling_own.Own"})
    (folder / "config.json").write_text(json.dumps(settings))
    planned(folder, tmp_path).load(2)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("without", "instead", "says"),
    [
        (("model.safetensors",), "pytorch_model.bin", "pickled weights are never loaded"),
        (("model.safetensors",), "model-00001-of-00002.safetensors", "max_shard_size"),
        (("tokenizer.json",), "vocab.txt", "AutoTokenizer"),
        (("config.json", "tokenizer.json", "model.safetensors"), "notes.txt", "save_pretrained"),
    ],
)
def test_a_folder_that_lacks_something(without: tuple[str, ...], instead: str, says: str, tmp_path: Path) -> None:
    folder = encoders.write(tmp_path / "encoder")
    for name in without:
        (folder / name).unlink()

    class Evil:
        def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
            return (os.mkdir, (str(tmp_path / "unpickled"),))

    (folder / instead).write_bytes(pickle.dumps(Evil()))
    error = refused(folder, tmp_path)
    assert error.reason is Reason.WEIGHTS_MISMATCH
    assert all(name in error.message for name in without)
    assert says in error.message
    assert not (tmp_path / "unpickled").exists()


def test_an_empty_folder(tmp_path: Path) -> None:
    error = refused(tmp_path / "nothing", tmp_path)
    assert error.reason is Reason.DATA_NOT_FOUND
    assert "spec.backbone.weights.uri" in error.message


def test_a_single_file_has_no_tokenizer(tmp_path: Path) -> None:
    error = refused(tmp_path / "weights.safetensors", tmp_path)
    assert error.reason is Reason.INVALID_SPEC
    assert "tokenizer.json" in error.message


def test_a_tokenizer_of_another_model(tmp_path: Path) -> None:
    folder = encoders.write(tmp_path / "encoder")
    (folder / "tokenizer.json").write_text(encoders.tokenizer([*encoders.WORDS, *(f"w{n}" for n in range(100))]))
    error = refused(folder, tmp_path)
    assert error.reason is Reason.WEIGHTS_MISMATCH
    assert "the encoder knows 100" in error.message


@pytest.mark.parametrize("name", ["tokenizer.json", "config.json", "1_Pooling/config.json", "model.safetensors"])
def test_a_broken_file_is_named(name: str, tmp_path: Path) -> None:
    folder = encoders.write(tmp_path / "encoder", pooling="mean_tokens")
    (folder / name).write_bytes(b"{broken")
    error = refused(folder, tmp_path)
    assert error.reason is Reason.WEIGHTS_MISMATCH
    assert name in error.message or "weights.uri" in error.message


@pytest.mark.parametrize("broken", [{"hidden_size": 33}, {"hidden_act": "nothing"}, {"vocab_size": "many"}])
def test_a_configuration_that_makes_no_encoder(broken: dict[str, Any], tmp_path: Path) -> None:
    folder = encoders.write(tmp_path / "encoder")
    (folder / "config.json").write_text(json.dumps(encoders.configuration(**broken)))
    assert refused(folder, tmp_path).reason is Reason.INVALID_SPEC


def stored_with(folder: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Path:
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path)
    return folder


def test_a_head_for_another_task_is_left_out(tmp_path: Path) -> None:
    folder = encoders.write(tmp_path / "encoder")
    plain = planned(folder, tmp_path).load(2).network

    def as_masked_model(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        found = {f"bert.{key}": value for key, value in state.items() if not key.startswith("pooler.")}
        old = {key.replace("LayerNorm.weight", "LayerNorm.gamma"): value for key, value in found.items()}
        heads = {"cls.predictions.bias": torch.zeros(100), "bert.embeddings.position_ids": torch.arange(64)[None]}
        return old | heads

    loaded = planned(stored_with(folder, as_masked_model), tmp_path).load(2)
    for key, value in plain.trunk.state_dict().items():
        assert torch.equal(loaded.network.trunk.state_dict()[key], value), key


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("encoder.layer.1.output.dense.weight", None, "missing: encoder.layer.1.output.dense.weight"),
        ("encoder.layer.2.output.dense.weight", torch.zeros(1), "unexpected: encoder.layer.2.output.dense.weight"),
        ("embeddings.word_embeddings.weight", torch.zeros(90, 32), "is 90x32 and should be 100x32"),
    ],
)
def test_tensors_that_do_not_fit_are_named(key: str, value: torch.Tensor | None, says: str, tmp_path: Path) -> None:
    def change(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        rest = {name: tensor for name, tensor in state.items() if name != key}
        return rest if value is None else rest | {key: value}

    error = refused(stored_with(encoders.write(tmp_path / "encoder"), change), tmp_path)
    assert error.reason is Reason.WEIGHTS_MISMATCH
    assert says in error.message


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("TextClassification", "torchvision/resnet18"),
        ("TextClassification", "timm/resnet18"),
        ("ImageClassification", "transformers/tiny"),
        ("AudioClassification", "sentence-transformers/tiny"),
    ],
)
def test_a_backbone_for_another_task(task: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=f"{name} does not fit {task}") as caught:
        plan(backbone(task, name=name, weights={"uri": "file:///nowhere"}), {}, tmp_path, tmp_path)
    assert caught.value.reason is Reason.INVALID_SPEC


def test_an_unknown_library(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="torchvision, timm, sentence-transformers, transformers") as caught:
        registry.find("keras/resnet")
    assert caught.value.reason is Reason.UNKNOWN_BACKBONE


def test_the_last_layer_alone_learns(tmp_path: Path) -> None:
    network: Network = planned(encoders.write(tmp_path / "encoder", "modernbert"), tmp_path).load(2).network
    unfreeze_last(network, 1)
    learning = {name for name, weight in network.named_parameters() if weight.requires_grad}
    assert {name.partition(".model.")[2].split(".")[0] or name.split(".")[0] for name in learning} == {
        "layers",
        "final_norm",
        "head",
    }
    assert not any(".layers.0." in name for name in learning)
