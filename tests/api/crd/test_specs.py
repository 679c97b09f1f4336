"""What the API server accepts, fills in and refuses: every rule with a spec that keeps it and one that breaks it."""

import uuid
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from transfermodel_operator.crd import custom_resource_definition

from tests.support.api_server import ApiServer, Manifest

Change = Callable[[Manifest], object]


def transfer_model(change: Change = lambda spec: None, name: str | None = None) -> Manifest:
    """Return the smallest useful TransferModel, changed."""
    spec: Manifest = {
        "task": "ImageClassification",
        "backbone": {"name": "torchvision/resnet18", "weights": {"name": "DEFAULT"}},
        "data": {"train": {"uri": "s3://datasets/train"}},
    }
    spec = deepcopy(spec)
    change(spec)
    return {
        "apiVersion": "transferlearning.dev/v1alpha1",
        "kind": "TransferModel",
        "metadata": {"name": name or f"model-{uuid.uuid4().hex[:8]}", "namespace": "default"},
        "spec": spec,
    }


def put(path: str, value: Any) -> Change:
    """Return a change that sets one field, such as data.train.uri."""

    def change(spec: Manifest) -> None:
        *parents, last = path.split(".")
        node = spec
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = deepcopy(value)  # a later change reaches into it

    return change


def together(*changes: Change) -> Change:
    """Return a change that makes several."""

    def change(spec: Manifest) -> None:
        for each in changes:
            each(spec)

    return change


WINDOW = {"schedule": "0 8 * * 1-5", "durationSeconds": 36000, "replicas": 1}


def warm(**fields: Any) -> Change:
    """Return a change that sets one warm window."""
    return put("serving.warm", [WINDOW | fields])


SCRATCH = put("backbone", {"name": "torchvision/resnet18", "weights": {"scratch": True}, "input": {"size": 32}})
TUNE_ALL = put("training", {"strategy": "FineTuning", "fineTuning": {"unfreeze": "All"}})
SERVING = {
    "mode": "Knative",
    "minReplicas": 0,
    "maxReplicas": 3,
    "containerConcurrency": 0,
    "precision": "Float32",
    "scaleDownDelaySeconds": 0,
}
ENCODER = {
    "name": "sentence-transformers/all-MiniLM-L6-v2",
    "weights": {"uri": "s3://weights/all-MiniLM-L6-v2"},
}
TEXT = together(put("task", "TextClassification"), put("backbone", ENCODER))
AUDIO = put("task", "AudioClassification")
GPU = {"limits": {"nvidia.com/gpu": 1}}

ACCEPTED: dict[str, Change] = {
    "the smallest": lambda spec: None,
    "weights from a file": put(
        "backbone",
        {"name": "torchvision/resnet18", "weights": {"uri": "s3://weights/a.safetensors"}, "input": {"size": 64}},
    ),
    "weights over https": put(
        "backbone",
        {"name": "torchvision/vit_b_16", "weights": {"uri": "https://x.test/a.safetensors"}, "input": {"size": 64}},
    ),
    "from scratch": together(SCRATCH, TUNE_ALL),
    "from another TransferModel": put("backbone", {"fromTransferModel": "digits-base"}),
    "another's trunk with another input": put("backbone", {"fromTransferModel": "base", "input": {"size": 64}}),
    "mean and std": put(
        "backbone.input", {"size": 64, "mean": ["0.485", "0.456", "-0.4"], "std": ["0.229", "2.25e-1", "1"]}
    ),
    "archive over https": put("data.train.uri", "https://data.test/flowers.tar.gz"),
    "tgz over https": put("data.train.uri", "https://data.test/flowers.tgz"),
    "zip over https": put("data.train.uri", "https://data.test/flowers.zip"),
    "tar over https": put("data.train.uri", "https://data.test/flowers.tar"),
    "archive in a bucket": put("data.train.uri", "s3://datasets/flowers.zip"),
    "data at Google's": put("data.train.uri", "gs://datasets/flowers"),
    "data at Azure's": put("data.train.uri", "az://datasets/flowers"),
    "data in a volume": put("data.train.uri", "pvc://datasets.v2/flowers/train"),
    "a whole volume": put("data.train.uri", "pvc://datasets"),
    "an index file in a volume, with dots": together(
        put("data.train.uri", "pvc://datasets/..flowers/a..b.csv"), put("data.format", {"labelColumn": "species"})
    ),
    "weights at Google's": put(
        "backbone",
        {"name": "torchvision/resnet18", "weights": {"uri": "gs://weights/a.safetensors"}, "input": {"size": 64}},
    ),
    "output at Google's": put("output", {"uri": "gs://models/team"}),
    "output at Azure's": put("output", {"uri": "az://models"}),
    "validation set": put("data.validation", {"uri": "s3://datasets/validation"}),
    "validation fraction": put("data.validationFraction", "0.25"),
    "small validation fraction": put("data.validationFraction", "1e-2"),
    "an index file": put("data.train.uri", "s3://datasets/birds.csv"),
    "an index file with its own columns": together(
        put("data.train.uri", "s3://datasets/birds.csv"), put("data.format", {"labelColumn": "species"})
    ),
    "an index file for the test alone": together(
        put("data.test", {"uri": "s3://datasets/birds.jsonl"}), put("data.format", {"pathColumn": "image"})
    ),
    "fine-tuning of two stages": put("training", {"strategy": "FineTuning", "fineTuning": {"stages": 2}}),
    "learning rate": put("training", {"strategy": "FineTuning", "fineTuning": {"learningRate": "6e-3"}}),
    "fine-tuning's details for Auto": put("training", {"strategy": "Auto", "fineTuning": {"epochs": 3}}),
    "a search of some trials": put("training.search", {"trials": 20, "maxParallel": 4}),
    "a search of some time": put("training", {"strategy": "Auto", "search": {"maxDurationSeconds": 600}}),
    "a search from scratch": together(SCRATCH, TUNE_ALL, put("training.search", {"trials": 5})),
    "stages without unfreeze": put("training", {"strategy": "Auto", "fineTuning": {"stages": 3}}),
    "timm": put("backbone.name", "timm/convnext_tiny.fb_in22k"),
    "texts": TEXT,
    "texts by an encoder of an organisation": together(
        TEXT, put("backbone", {"name": "transformers/google-bert/bert-base-uncased", "weights": {"name": "DEFAULT"}})
    ),
    "texts by an encoder in an archive": together(TEXT, put("backbone.weights.uri", "https://x.test/minilm.tar.gz")),
    "texts, cut": together(TEXT, put("backbone.input", {"maxTokens": 128})),
    "texts in a table": together(
        TEXT, put("data.train.uri", "s3://datasets/reviews.jsonl"), put("data.format", {"textColumn": "review"})
    ),
    "texts on another's encoder": together(TEXT, put("backbone", {"fromTransferModel": "base"})),
    "recordings": AUDIO,
    "recordings at a rate of their own": together(
        AUDIO, put("backbone.input", {"size": 64, "sampleRate": 8000, "clipSeconds": "1.5"})
    ),
    "recordings, the rate alone": together(AUDIO, put("backbone.input", {"sampleRate": 8000})),
    "recordings with weights of one's own, input left to us": together(
        AUDIO, put("backbone.weights", {"uri": "s3://weights/a.safetensors"})
    ),
    "recordings from scratch": together(AUDIO, put("backbone.weights", {"scratch": True}), TUNE_ALL),
    "interruptible": put("training", {"interruptible": True, "checkpointIntervalSeconds": 5}),
    "a budget": put("training", {"budget": {"gpuSeconds": 3600}, "resources": GPU}),
    "a budget of another maker's GPUs": put(
        "training", {"budget": {"gpuSeconds": 3600}, "resources": {"limits": {"amd.com/gpu": 1}}}
    ),
    "a budget of nothing": put("training", {"budget": {}}),
    "a GPU": put("training.resources", {"limits": {"nvidia.com/gpu": 1, "memory": "4Gi"}, "requests": {"cpu": "500m"}}),
    "tolerations": put(
        "training.tolerations",
        [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}, {"operator": "Exists", "tolerationSeconds": 60}],
    ),
    "node selector": put("training.nodeSelector", {"accelerator": "h100"}),
    "an output": put("output", {"uri": "s3://models", "credentialsSecretName": "s3"}),
    "as many replicas as at most": put("serving", {"minReplicas": 3}),
    "not served": put("serving.mode", "None"),
    "8-bit integers": put("serving.precision", "Int8"),
    "an hour of delay": put("serving.scaleDownDelaySeconds", 3600),
    "as many warm replicas as at most": warm(replicas=3),
    "a time zone of three parts": warm(timeZone="America/Argentina/Buenos_Aires"),
    "a time zone with a sign": warm(timeZone="Etc/GMT+1"),
    **{
        f"the schedule {schedule}": warm(schedule=schedule)
        for schedule in (
            "* * * * *",
            "*/15 8-17 * * 1-5",
            "0,30 08 1,15 JAN-mar Mon,wed,FRI",
            "59 23 31 12 7",
            "5/10 0-23/2 */10 */3 SUN-SAT/2",
            "0  8   *  *  *",
        )
    },
    "suspended": put("suspend", True),
}

REFUSED: dict[str, tuple[Change, str]] = {
    # The rules of the CRD, by their messages.
    "no backbone source": (put("backbone", {}), "set exactly one of name and fromTransferModel"),
    "both backbone sources": (
        put("backbone.fromTransferModel", "base"),
        "set exactly one of name and fromTransferModel",
    ),
    "a name without weights": (
        put("backbone", {"name": "torchvision/resnet18"}),
        "weights is required with name: {name}, {uri} or {scratch: true}",
    ),
    "a base with weights": (
        put("backbone", {"fromTransferModel": "base", "weights": {"name": "DEFAULT"}}),
        "weights goes with name, not with fromTransferModel",
    ),
    "weights of no kind": (put("backbone.weights", {}), "set exactly one of name, uri and scratch"),
    "weights of two kinds": (
        put("backbone.weights", {"name": "DEFAULT", "uri": "s3://weights/a.safetensors"}),
        "set exactly one of name, uri and scratch",
    ),
    "own weights without input": (
        put("backbone.weights", {"uri": "s3://weights/a.safetensors"}),
        "input is required with weights.uri and weights.scratch",
    ),
    "scratch without input": (
        together(put("backbone.weights", {"scratch": True}), TUNE_ALL),
        "input is required with weights.uri and weights.scratch",
    ),
    "a pickle": (put("backbone.weights", {"uri": "s3://weights/a.pth"}), "pickled weights are never loaded"),
    "weights over ftp": (
        put("backbone.weights", {"uri": "ftp://x/a.safetensors"}),
        "must begin with s3://, gs://, az:// or https://",
    ),
    "mean without std": (
        put("backbone.input", {"size": 64, "mean": ["0.5", "0.5", "0.5"]}),
        "set mean and std together, or neither",
    ),
    "std of zero": (
        put("backbone.input", {"size": 64, "mean": ["0", "0", "0"], "std": ["1", "0.0", "1"]}),
        "must be a positive number as a string",
    ),
    "data over http": (put("data.train.uri", "http://data.test/a.zip"), "s3://, gs://, az://, https:// or pvc://"),
    "a folder over https": (put("data.train.uri", "https://data.test/a/"), "the data must be one archive"),
    "validation twice": (
        together(put("data.validation", {"uri": "s3://d/v"}), put("data.validationFraction", "0.2")),
        "set validation or validationFraction, not both",
    ),
    "columns of a folder": (put("data.format", {"labelColumn": "species"}), "format goes with an index file"),
    "an index file over https": (put("data.train.uri", "https://data.test/a.csv"), "the data must be one archive"),
    "fraction of zero": (put("data.validationFraction", "0.0"), "must lie between 0 and 1"),
    "fraction of one": (put("data.validationFraction", "1"), "must lie between 0 and 1"),
    "details of another strategy": (
        put("training.fineTuning", {"epochs": 3}),
        "fineTuning goes with strategy: FineTuning",
    ),
    "stages of all": (
        put("training", {"strategy": "FineTuning", "fineTuning": {"unfreeze": "All", "stages": 2}}),
        "stages goes with unfreeze: LastStages",
    ),
    "learning rate of zero": (
        put("training", {"strategy": "FineTuning", "fineTuning": {"learningRate": "0e-3"}}),
        "must be a positive number as a string",
    ),
    "scratch by feature extraction": (SCRATCH, "have nothing to extract"),
    "scratch by its last stages": (
        together(SCRATCH, put("training", {"strategy": "FineTuning", "fineTuning": {}})),
        "have nothing to extract",
    ),
    "scratch without fine-tuning's details": (
        together(SCRATCH, put("training", {"strategy": "FineTuning"})),
        "have nothing to extract",
    ),
    # What a task knows.
    "texts by a network for images": (put("task", "TextClassification"), "the backbone does not fit the task"),
    "images by an encoder of texts": (put("backbone.name", "transformers/bert-base"), "the backbone does not fit"),
    "recordings by an encoder of texts": (
        together(AUDIO, put("backbone", ENCODER)),
        "the backbone does not fit the task",
    ),
    "texts by a file of tensors": (
        together(TEXT, put("backbone.weights.uri", "s3://weights/a.safetensors")),
        "and a folder or an archive with config.json, tokenizer.json and model.safetensors for text",
    ),
    "recordings by a pickle": (
        together(AUDIO, put("backbone.weights", {"uri": "s3://weights/a.pth"})),
        "pickled weights are never loaded",
    ),
    "texts from scratch": (
        together(TEXT, put("backbone.weights", {"scratch": True}), TUNE_ALL),
        "text needs a pretrained encoder: set weights.name or weights.uri",
    ),
    "images without a size": (put("backbone.input", {"resize": "Exact"}), "input of images needs size"),
    "images of tokens": (put("backbone.input", {"size": 64, "maxTokens": 64}), "input of images needs size"),
    "images of a rate": (put("backbone.input", {"size": 64, "sampleRate": 8000}), "input of images needs size"),
    "images of a length": (put("backbone.input", {"size": 64, "clipSeconds": "1"}), "input of images needs size"),
    **{
        f"texts with {name}": (together(TEXT, put("backbone.input", value)), "input of text knows only maxTokens")
        for name, value in {
            "a size": {"size": 64},
            "a resize": {"resize": "Exact"},
            "an interpolation": {"interpolation": "bicubic"},
            "a mean": {"mean": ["0", "0", "0"], "std": ["1", "1", "1"]},
            "a rate": {"sampleRate": 8000},
            "a length": {"clipSeconds": "1"},
        }.items()
    },
    **{
        f"recordings with {name}": (
            together(AUDIO, put("backbone.input", value)),
            "input of audio knows only size, sampleRate and clipSeconds",
        )
        for name, value in {
            "a resize": {"resize": "Exact"},
            "an interpolation": {"interpolation": "bicubic"},
            "a mean": {"mean": ["0", "0", "0"], "std": ["1", "1", "1"]},
            "tokens": {"maxTokens": 64},
        }.items()
    },
    "a budget of no GPU": (
        put("training", {"budget": {"gpuSeconds": 3600}}),
        "budget.gpuSeconds counts only with a GPU: set resources.limits, such as nvidia.com/gpu: 1",
    ),
    "a budget of a processor": (
        put("training", {"budget": {"gpuSeconds": 3600}, "resources": {"limits": {"cpu": 1}}}),
        "budget.gpuSeconds counts only with a GPU",
    ),
    "a budget of a GPU that is only requested": (
        put("training", {"budget": {"gpuSeconds": 60}, "resources": {"requests": {"nvidia.com/gpu": 1}}}),
        "budget.gpuSeconds counts only with a GPU",
    ),
    "output in a folder": (put("output", {"uri": "file:///models"}), "must begin with s3://, gs:// or az://"),
    "output in a volume": (put("output", {"uri": "pvc://models"}), "must begin with s3://, gs:// or az://"),
    "weights in a volume": (
        put("backbone.weights", {"uri": "pvc://weights/a.safetensors"}),
        "must begin with s3://, gs://, az:// or https://",
    ),
    **{
        f"a volume {what}": (put("data.train.uri", uri), "a PersistentVolumeClaim of the same namespace")
        for what, uri in {
            "without a name": "pvc:///train",
            "of another namespace": "pvc://other:claim/train",
            "with capitals": "pvc://Datasets/train",
            "that is left by its path": "pvc://datasets/../../etc",
            "that is left at the end": "pvc://datasets/train/..",
        }.items()
    },
    "more replicas than at most": (
        put("serving", {"minReplicas": 4, "maxReplicas": 2}),
        "minReplicas must not exceed maxReplicas",
    ),
    "more replicas than the default at most": (
        put("serving", {"minReplicas": 4}),
        "minReplicas must not exceed maxReplicas",
    ),
    "more warm replicas than at most": (
        together(put("serving.maxReplicas", 2), warm(replicas=3)),
        "replicas of a warm window must not exceed maxReplicas",
    ),
    "more warm replicas than the default at most": (
        warm(replicas=4),
        "replicas of a warm window must not exceed maxReplicas",
    ),
    "no warm replicas": (warm(replicas=0), "should be greater than or equal to 1"),
    "a window of a moment": (warm(durationSeconds=59), "should be greater than or equal to 60"),
    "a window of more than a week": (warm(durationSeconds=604801), "should be less than or equal to 604800"),
    "a window without an end": (put("serving.warm", [{"schedule": "0 8 * * *", "replicas": 1}]), "Required value"),
    "17 windows": (put("serving.warm", [WINDOW] * 17), "must have at most 16 items"),
    "4-bit integers": (put("serving.precision", "Int4"), 'supported values: "Float32", "Int8"'),
    "a delay of more than an hour": (put("serving.scaleDownDelaySeconds", 3601), "less than or equal to 3600"),
    **{
        f"the schedule {schedule}": (warm(schedule=schedule), "must be the five fields of crontab")
        for schedule in (
            "0 8 * *       ",
            "0 8 * * * *",
            "60 8 * * *",
            "0 24 * * *",
            "0 8 0 * *",
            "0 8 32 * *",
            "0 8 * 13 *",
            "0 8 * * 8",
            "0 8 * * Funday",
            "0 8 L * * ",
            "0 8 * * 1#2",
            "*/0 8 * * *",
            "*/100 8 * * *",
            "0, 8 * * *",
            "-1 8 * * *",
            "0 8 * * *\n",
            "@hourly  ",
            "eight in the morning",
        )
    },
    **{
        f"the time zone {zone}": (warm(timeZone=zone), "must be a name of the IANA time zone database")
        for zone in ("../../etc/passwd", "/etc/localtime", "Europe/", "+02:00", "Europe/Berlin ", "a/b/c/d")
    },
    # Types, ranges and values.
    "no replicas at most": (put("serving.maxReplicas", 0), "should be greater than or equal to 1"),
    "an unknown task": (put("task", "Painting"), 'supported values: "ImageClassification"'),
    "an unknown strategy": (put("training.strategy", "Best"), '"FeatureExtraction", "FineTuning", "Auto"'),
    "no data": (lambda spec: spec.pop("data"), "spec.data: Required value"),
    "a library that is not there": (
        put("backbone.name", "resnet18"),
        "must be <library>/<architecture>, such as torchvision/resnet18",
    ),
    "scratch: false": (together(SCRATCH, TUNE_ALL, put("backbone.weights.scratch", False)), 'supported values: "true"'),
    "a learning rate as a number": (
        put("training", {"strategy": "FineTuning", "fineTuning": {"learningRate": 0.001}}),
        'must be of type string: "number"',
    ),
    "a quantity that is none": (
        put("training.resources", {"limits": {"memory": "4 GB"}}),
        "must be a quantity, such as",
    ),
    "a search without an end": (
        put("training.search", {"maxParallel": 2}),
        "set trials, maxDurationSeconds or both: a search must know when to end",
    ),
    "a search of no trials": (put("training.search", {"trials": 0}), "should be greater than or equal to 1"),
    "a search of too many trials": (put("training.search", {"trials": 1001}), "should be less than or equal to 1000"),
    "too many trials at a time": (
        put("training.search", {"trials": 20, "maxParallel": 17}),
        "should be less than or equal to 16",
    ),
    "too short a search": (
        put("training.search", {"maxDurationSeconds": 1}),
        "should be greater than or equal to 10",
    ),
    "from scratch, but the last stages": (
        together(SCRATCH, put("training", {"strategy": "FineTuning", "fineTuning": {"epochs": 3}})),
        "weights {scratch: true} have nothing to extract",
    ),
    "too short a time": (put("training.maxDurationSeconds", 1), "should be greater than or equal to 10"),
    "a checkpoint every second": (
        put("training.checkpointIntervalSeconds", 1),
        "should be greater than or equal to 5",
    ),
    "a budget of nothing at all": (
        put("training", {"budget": {"gpuSeconds": 0}, "resources": GPU}),
        "should be greater than or equal to 1",
    ),
    "too few tokens": (
        together(TEXT, put("backbone.input", {"maxTokens": 1})),
        "should be greater than or equal to 8",
    ),
    "a clip of no length": (
        together(AUDIO, put("backbone.input", {"clipSeconds": "0"})),
        "must be a positive number as a string",
    ),
    "two means": (put("backbone.input", {"size": 64, "mean": ["0", "0"], "std": ["1", "1", "1"]}), "at least 3 items"),
    # What nobody may say.
    "an unknown field": (put("trainig", {}), 'unknown field "spec.trainig"'),
    "an unknown field further in": (
        put("data.test", {"uri": "s3://a/b", "url": "x"}),
        'unknown field "spec.data.test.url"',
    ),
    "an image": (put("training.image", "x"), 'unknown field "spec.training.image"'),
    "a command": (put("serving.command", ["sh"]), 'unknown field "spec.serving.command"'),
    "another namespace's secret": (
        put("output", {"uri": "s3://models", "credentialsSecretName": "other/s3"}),
        "spec.output.credentialsSecretName",
    ),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_accepted(cluster: ApiServer, case: str) -> None:
    cluster.created(transfer_model(ACCEPTED[case]))


@pytest.mark.parametrize("case", REFUSED)
def test_refused(cluster: ApiServer, case: str) -> None:
    change, sentence = REFUSED[case]
    answer = cluster.create(transfer_model(change))
    assert not answer.succeeded
    assert sentence in answer.output


def rules(node: Any) -> list[str]:
    """Return the messages of all CEL rules of a schema."""
    if isinstance(node, list):
        return [message for each in node for message in rules(each)]
    if not isinstance(node, dict):
        return []
    own = [rule["message"] for rule in node.get("x-kubernetes-validations", [])]
    return own + [message for each in node.values() for message in rules(each)]


def test_every_rule_is_broken_by_a_case() -> None:
    found = set(rules(custom_resource_definition()["spec"]["versions"])) - {NAME_MESSAGE}
    unbroken = [message for message in found if not any(sentence in message for _, sentence in REFUSED.values())]
    assert found
    assert not unbroken


NAME_MESSAGE = (
    "must begin with a letter, consist of lower-case letters, digits and '-', not end with '-', "
    "and have at most 40 characters: it becomes part of a host name"
)


@pytest.mark.parametrize("name", ["a", "digits", "a-1", "a" * 40])
def test_names_accepted(cluster: ApiServer, name: str) -> None:
    cluster.created(transfer_model(name=name))


@pytest.mark.parametrize("name", ["1st", "my.model", "a" * 41])
def test_names_refused(cluster: ApiServer, name: str) -> None:
    answer = cluster.create(transfer_model(name=name))
    assert not answer.succeeded
    assert f'metadata.name: Invalid value: "object": {NAME_MESSAGE}' in answer.output


def test_defaults_are_filled_in(cluster: ApiServer) -> None:
    assert cluster.created(transfer_model())["spec"] == {
        "task": "ImageClassification",
        "backbone": {"name": "torchvision/resnet18", "weights": {"name": "DEFAULT"}},
        "data": {"train": {"uri": "s3://datasets/train"}},
        "training": {
            "strategy": "FeatureExtraction",
            "seed": 0,
            "maxDurationSeconds": 3600,
            "interruptible": False,
            "checkpointIntervalSeconds": 60,
        },
        "serving": SERVING,
        "suspend": False,
    }


def test_a_part_is_completed(cluster: ApiServer) -> None:
    change = together(
        put("training", {"strategy": "FineTuning", "fineTuning": {"epochs": 7}}),
        put("serving", {"maxReplicas": 1}),
        put("backbone.input", {"size": 64}),
    )
    spec = cluster.created(transfer_model(change))["spec"]
    # A search varies what the user did not write: so nothing is filled in here.
    assert spec["training"]["fineTuning"] == {"epochs": 7}
    assert spec["serving"] == SERVING | {"maxReplicas": 1}
    assert spec["backbone"]["input"] == {"size": 64, "resize": "ShortestSide", "interpolation": "bilinear"}


def test_columns_have_names_by_default(cluster: ApiServer) -> None:
    change = together(put("data.train.uri", "s3://datasets/birds.csv"), put("data.format", {"labelColumn": "species"}))
    spec = cluster.created(transfer_model(change))["spec"]
    assert spec["data"]["format"] == {
        "pathColumn": "file",
        "textColumn": "text",
        "labelColumn": "species",
    }


def test_an_unknown_field_is_not_dropped_in_silence(cluster: ApiServer) -> None:
    manifest = transfer_model(put("training.epochs", 3))
    answer = cluster.create(manifest, "--validate=warn")
    assert answer.succeeded
    assert 'Warning: unknown field "spec.training.epochs"' in answer.output
