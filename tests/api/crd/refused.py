"""Specs that the API server refuses, by what is wrong with them; each with a part of what it says."""

from tests.api.crd.changes import AUDIO, ENCODER, GPU, SCRATCH, TEXT, TUNE_ALL, WINDOW, Change, put, together, warm

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
