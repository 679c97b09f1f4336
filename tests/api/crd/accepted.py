"""Specs that the API server accepts, by what they show."""

from tests.api.crd.changes import AUDIO, GPU, SCRATCH, TEXT, TUNE_ALL, Change, put, together, warm

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
