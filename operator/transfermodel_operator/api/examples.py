"""Examples of everything that a TransferModel can say, for the reference.

They are whole specs, so that each can be judged by the schema and its rules as what a user writes is. Together they set
every field; a field's example is its value in the first of them that sets it. They are no part of the CRD: the API
server drops OpenAPI's `example`.
"""

from typing import Any, Final

Example = dict[str, Any]

SPECS: Final[dict[str, Example]] = {
    "Named weights, served from zero pods": {
        "task": "ImageClassification",
        "backbone": {"name": "torchvision/resnet18", "weights": {"name": "IMAGENET1K_V1"}},
        "data": {
            "train": {"uri": "s3://datasets/flowers/train"},
            "test": {"uri": "s3://datasets/flowers/test"},
            "credentialsSecretName": "s3",
        },
        "training": {"strategy": "FeatureExtraction", "seed": 0},
        "output": {"uri": "s3://models", "credentialsSecretName": "s3"},
        "serving": {"mode": "Knative", "minReplicas": 0, "maxReplicas": 3},
        "suspend": False,
    },
    "The trunk of another TransferModel": {
        "task": "ImageClassification",
        "backbone": {"fromTransferModel": "digits-base"},
        "data": {
            "train": {"uri": "https://data.example.com/digits.tar.gz"},
            "validationFraction": "0.2",
        },
        "output": {"uri": "s3://models"},
    },
    "Images that a table lists": {
        "task": "ImageClassification",
        "backbone": {"name": "torchvision/resnet18", "weights": {"name": "DEFAULT"}},
        "data": {
            "train": {"uri": "s3://datasets/birds/train.csv"},
            "test": {"uri": "s3://datasets/birds/test.csv"},
            "format": {"pathColumn": "image", "labelColumn": "species"},
        },
    },
    "Weights of your own, fine-tuned on a GPU": {
        "task": "ImageClassification",
        "backbone": {
            "name": "torchvision/convnext_tiny",
            "weights": {"uri": "s3://weights/convnext-plants.safetensors"},
            "input": {
                "size": 224,
                "resize": "ShortestSide",
                "interpolation": "bicubic",
                "mean": ["0.485", "0.456", "0.406"],
                "std": ["0.229", "0.224", "0.225"],
            },
        },
        "data": {
            "train": {"uri": "s3://datasets/plants/train.zip"},
            "validation": {"uri": "s3://datasets/plants/validation.zip"},
        },
        "training": {
            "strategy": "FineTuning",
            "fineTuning": {
                "unfreeze": "LastStages",
                "stages": 2,
                "epochs": 8,
                "learningRate": "1e-3",
                "batchSize": 64,
            },
            "maxDurationSeconds": 7200,
            "resources": {
                "requests": {"cpu": "4", "memory": "8Gi"},
                "limits": {"memory": "16Gi", "nvidia.com/gpu": 1},
            },
            "nodeSelector": {"accelerator": "nvidia-l4"},
            "tolerations": [
                {
                    "key": "nvidia.com/gpu",
                    "operator": "Equal",
                    "value": "present",
                    "effect": "NoExecute",
                    "tolerationSeconds": 600,
                }
            ],
            "priorityClassName": "batch",
            "serviceAccountName": "dataset-reader",
        },
        "output": {"uri": "s3://models/plants"},
        "serving": {
            "containerConcurrency": 8,
            "scaleDownDelaySeconds": 600,
            "warm": [{"schedule": "0 8 * * 1-5", "timeZone": "Europe/Berlin", "durationSeconds": 36000, "replicas": 1}],
            "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}},
            "serviceAccountName": "model-reader",
            "precision": "Int8",
        },
    },
    "Texts that a table holds": {
        "task": "TextClassification",
        "backbone": {
            "name": "sentence-transformers/all-MiniLM-L6-v2",
            "weights": {"uri": "s3://weights/all-MiniLM-L6-v2"},
            "input": {"maxTokens": 128},
        },
        "data": {
            "train": {"uri": "s3://datasets/reviews/train.jsonl"},
            "test": {"uri": "s3://datasets/reviews/test.jsonl"},
            "format": {"textColumn": "review", "labelColumn": "rating"},
        },
        "training": {"strategy": "Auto"},
    },
    "Recordings, by their spectrograms": {
        "task": "AudioClassification",
        "backbone": {
            "name": "torchvision/resnet18",
            "weights": {"name": "DEFAULT"},
            "input": {"size": 64, "sampleRate": 8000, "clipSeconds": "1.5"},
        },
        "data": {"train": {"uri": "s3://datasets/spoken-digits/train"}},
        "training": {"strategy": "Auto", "fineTuning": {"unfreeze": "All", "epochs": 12}},
    },
    "Fine-tuned on a spot node's GPU, within a budget": {
        "task": "ImageClassification",
        "backbone": {"name": "timm/convnext_tiny", "weights": {"name": "DEFAULT"}},
        "data": {"train": {"uri": "s3://datasets/insects/train"}},
        "training": {
            "strategy": "FineTuning",
            "fineTuning": {"unfreeze": "All", "epochs": 20},
            "maxDurationSeconds": 14400,
            "interruptible": True,
            "checkpointIntervalSeconds": 120,
            "budget": {"gpuSeconds": 7200},
            "resources": {"limits": {"nvidia.com/gpu": 1, "memory": "16Gi"}},
        },
    },
    "The best of some settings": {
        "task": "ImageClassification",
        "backbone": {"name": "torchvision/resnet18", "weights": {"name": "DEFAULT"}},
        "data": {"train": {"uri": "s3://datasets/mushrooms/train"}, "test": {"uri": "s3://datasets/mushrooms/test"}},
        "training": {
            "strategy": "Auto",
            "fineTuning": {"unfreeze": "All"},
            "search": {"trials": 20, "maxParallel": 2, "maxDurationSeconds": 3600},
            "maxDurationSeconds": 7200,
            "resources": {"requests": {"cpu": "4"}},
        },
    },
    "Random weights, for comparison": {
        "task": "ImageClassification",
        "backbone": {"name": "torchvision/resnet18", "weights": {"scratch": True}, "input": {"size": 32}},
        "data": {"train": {"uri": "s3://datasets/digits/train"}},
        "training": {"strategy": "FineTuning", "fineTuning": {"unfreeze": "All", "epochs": 20}},
        "serving": {"mode": "None"},
    },
}

STATUS: Final[Example] = {
    "observedGeneration": 2,
    "conditions": [
        {
            "type": "Serving",
            "status": "True",
            "reason": "Served",
            "message": "v1 serves; without requests it scales to its minReplicas.",
            "lastTransitionTime": "2026-01-31T09:30:00Z",
            "observedGeneration": 2,
        }
    ],
    "stage": "Ready",
    "training": {
        "run": "8dd08a6e5b1f",
        "attempt": 1,
        "epoch": 3,
        "epochs": 8,
        "percent": 100,
        "etaSeconds": 0,
        "loss": "0.3126",
        "startTime": "2026-01-31T09:29:41Z",
        "completionTime": "2026-01-31T09:29:52Z",
        "interruptions": 1,
        "lastInterruptionTime": "2026-01-31T09:29:46Z",
    },
    "versions": [
        {
            "name": "v1",
            "digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "uri": "s3://models/demo/digits/runs/8dd08a6e5b1f/4e07408562be",
            "metrics": {"accuracy": "0.8381", "accuracyLow": "0.8118", "accuracyHigh": "0.8614"},
            "int8": {
                "accuracy": "0.8375",
                "float32Accuracy": "0.8381",
                "agreement": "0.9933",
                "samples": 1797,
                "speedup": "3.63",
                "seconds": "4.4",
            },
            "state": "Live",
            "createdAt": "2026-01-31T09:29:53Z",
        },
        {
            "name": "v2",
            "digest": "sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
            "uri": "s3://models/demo/digits/runs/0b5e7a1f44c2/4e07408562be",
            "metrics": {"accuracy": "0.8390", "accuracyLow": "0.8127", "accuracyHigh": "0.8622"},
            "int8": {
                "accuracy": "0.8317",
                "float32Accuracy": "0.8390",
                "agreement": "0.9811",
                "samples": 1797,
                "refusal": "Its accuracy on 1797 images is 0.8317 in 8-bit integers and 0.8390 in Float32: more than "
                "half a point lower.",
            },
            "state": "Candidate",
            "createdAt": "2026-01-31T10:12:06Z",
        },
    ],
    "serving": {
        "version": "v1",
        "revision": "digits-predictor-00001",
        "verifiedAt": "2026-01-31T09:30:00Z",
    },
    "url": "http://digits-predictor.demo.example.com",
    "usage": {"trainingSeconds": 11, "gpuSeconds": 11},
}


def example_of(path: str) -> object | None:
    """Return the example of a field, such as spec.data.train.uri or spec.training.tolerations[].key; None: none.

    Of a list or an object it is the whole value.
    """
    root, _, rest = path.partition(".")
    for document in SPECS.values() if root == "spec" else (STATUS,):
        found = _value(document, rest.split(".") if rest else [])
        if found is not None:
            return found
    return None


def _value(node: Any, names: list[str]) -> object | None:
    """Return what is below a node; of a list's objects, what the first has that has it."""
    if not names:
        found: object = node
        return found
    name, *rest = names
    inner = node.get(name.removesuffix("[]")) if isinstance(node, dict) else None
    if name.endswith("[]"):
        return next((found for each in inner or [] if (found := _value(each, rest)) is not None), None)
    return _value(inner, rest)
