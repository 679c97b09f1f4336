"""A TransferModel without a file."""

import re
from pathlib import Path
from typing import Any

from transfermodel_operator.api import API_VERSION, KIND
from transfermodel_operator.api.spec import Strategy, Task

from transfermodel.documents import DEFAULT_NAMESPACE, STANDARD_INPUT, Document, Target, check_text
from transfermodel.documents.writing import yaml_of
from transfermodel.errors import DocumentInvalid

SCRATCH = "scratch"
TEXT_LIBRARIES = ("sentence-transformers/", "transformers/")
WEIGHTS_NAME = re.compile(r"[A-Za-z0-9_]+")
"""What a library calls its own weights; any other string is a path or a URI, such as ./minilm."""


def transfer_model(
    name: str,
    *,
    train: str | Path,
    test: str | Path | None = None,
    validation: str | Path | None = None,
    backbone: str = "torchvision/resnet18",
    weights: str | Path | None = None,
    input_size: int | None = None,
    strategy: Strategy | None = None,
    fine_tuning: dict[str, Any] | None = None,
    search: dict[str, int] | None = None,
    seed: int = 0,
    task: Task | None = None,
    columns: dict[str, str] | None = None,
    namespace: str = DEFAULT_NAMESPACE,
) -> Document:
    """Return a TransferModel for `transfermodel.run`; its `to_yaml()` is a file for a cluster.

    Args:
        name: small letters, digits and hyphens.
        train: what to learn from: a folder with one sub-folder per class, an archive of it, a table (.csv, .jsonl) that
            lists files or holds texts, or a URI.
        test: the same, to measure on; without it the accuracy is an estimate.
        validation: the same, to choose by; default: a part of train.
        backbone: <library>/<architecture>, such as torchvision/resnet18 or, for texts,
            sentence-transformers/all-MiniLM-L6-v2; or the name of a TransferModel to start from.
        weights: "scratch" for random ones; a path or URI of a .safetensors file, for texts of the folder or an archive
            of an encoder; or the library's own name. Default: DEFAULT, its best, which is downloaded once. Not with a
            TransferModel as backbone: it brings its own.
        input_size: height and width of an image or a spectrogram; images need it with "scratch" and a file.
        strategy: FeatureExtraction learns a new head, FineTuning the backbone's top, too, and Auto keeps the better of
            both; default: FeatureExtraction, and FineTuning of everything with "scratch".
        fine_tuning: of FineTuning and Auto, as in the file, such as {"epochs": 4, "learningRate": "6e-3"}.
        search: try settings and keep the best, as in the file, such as {"trials": 20} or {"maxDurationSeconds": 600};
            what fine_tuning says stays as it is.
        seed: of every random choice.
        task: ImageClassification, TextClassification or AudioClassification; default: TextClassification with an
            encoder of texts as backbone, else ImageClassification.
        columns: what the columns of tables are called, such as {"textColumn": "review", "labelColumn": "stars"}.
        namespace: tells models of one name apart.

    Raises:
        DocumentInvalid: any of it cannot be; all errors at once.
    """
    sources = {"train": train, "validation": validation, "test": test}
    training: dict[str, Any] = {"strategy": strategy} if strategy else {}
    if weights == SCRATCH:
        training = {"strategy": strategy or "FineTuning"}
        fine_tuning = {"unfreeze": "All", **(fine_tuning or {})}
    if fine_tuning is not None:
        training["fineTuning"] = fine_tuning
    if search is not None:
        training["search"] = search
    if seed:
        training["seed"] = seed
    spec: dict[str, Any] = {
        "task": task or ("TextClassification" if backbone.startswith(TEXT_LIBRARIES) else "ImageClassification"),
        "backbone": backbone_of(backbone, weights, input_size),
        "data": {role: {"uri": str(uri)} for role, uri in sources.items() if uri is not None},
    }
    if columns:
        spec["data"]["format"] = columns
    if training:
        spec["training"] = training
    manifest = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }
    return checked(manifest)


def backbone_of(backbone: str, weights: str | Path | None, input_size: int | None) -> dict[str, Any]:
    """Return spec.backbone."""
    size = {} if input_size is None else {"input": {"size": input_size}}
    if "/" not in backbone:
        given = {} if weights is None else {"weights": {"name": str(weights)}}  # the rules say that it is one too many
        return {"fromTransferModel": backbone} | given | size
    if weights == SCRATCH:
        source: dict[str, Any] = {"scratch": True}
    elif isinstance(weights, Path) or (weights is not None and not WEIGHTS_NAME.fullmatch(weights)):
        source = {"uri": str(weights)}
    else:
        source = {"name": weights or "DEFAULT"}
    return {"name": backbone, "weights": source} | size


def checked(manifest: dict[str, Any]) -> Document:
    """Return the document of a manifest, held against the same rules as a file. Raises DocumentInvalid."""
    result = check_text(yaml_of(manifest), Path(STANDARD_INPUT), Target.LOCAL)
    if result.errors:
        raise DocumentInvalid(
            f"{manifest['metadata']['name']} cannot be run:\n  "
            + "\n  ".join(f"{error.sentence} {error.remedy}".rstrip() for error in result.errors)
        )
    return result.documents[0]
