"""A TransferModel without a file."""

from pathlib import Path
from typing import Any, Literal

from transfermodel_operator.api import API_VERSION, KIND

from transfermodel.documents import DEFAULT_NAMESPACE, STANDARD_INPUT, Document, Target, check_text
from transfermodel.documents.writing import yaml_of
from transfermodel.errors import DocumentInvalid

SCRATCH = "scratch"


def transfer_model(
    name: str,
    *,
    train: str | Path,
    test: str | Path | None = None,
    validation: str | Path | None = None,
    backbone: str = "torchvision/resnet18",
    weights: str | None = None,
    input_size: int | None = None,
    strategy: Literal["FeatureExtraction", "FineTuning"] | None = None,
    fine_tuning: dict[str, Any] | None = None,
    seed: int = 0,
    namespace: str = DEFAULT_NAMESPACE,
) -> Document:
    """Return a TransferModel for `transfermodel.run`; its `to_yaml()` is a file for a cluster.

    Args:
        name: small letters, digits and hyphens.
        train: a folder with one sub-folder per class, an archive of it, or a URI: what to learn from.
        test: the same, to measure on; without it the accuracy is an estimate.
        validation: the same, to choose by; default: a part of train.
        backbone: torchvision/<architecture>, or the name of a TransferModel to start from.
        weights: "scratch" for random ones, a .safetensors file, or torchvision's name; default: DEFAULT, torchvision's
            best, which is downloaded once. Not with a TransferModel as backbone: it brings its own.
        input_size: height and width of the network's input, in pixels; needed with "scratch" and a file.
        strategy: FeatureExtraction learns a new head, FineTuning the backbone's top, too; default: FeatureExtraction,
            and FineTuning of everything with "scratch".
        fine_tuning: of FineTuning, as in the file, such as {"epochs": 4, "learningRate": "6e-3"}.
        seed: of every random choice.
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
    if seed:
        training["seed"] = seed
    spec: dict[str, Any] = {
        "task": "ImageClassification",
        "backbone": backbone_of(backbone, weights, input_size),
        "data": {role: {"uri": str(uri)} for role, uri in sources.items() if uri is not None},
    }
    if training:
        spec["training"] = training
    manifest = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }
    return checked(manifest)


def backbone_of(backbone: str, weights: str | None, input_size: int | None) -> dict[str, Any]:
    """Return spec.backbone."""
    size = {} if input_size is None else {"input": {"size": input_size}}
    if "/" not in backbone:
        given = {} if weights is None else {"weights": {"name": weights}}  # the rules say that it is one too many
        return {"fromTransferModel": backbone} | given | size
    if weights == SCRATCH:
        source: dict[str, Any] = {"scratch": True}
    elif weights is not None and weights.endswith(".safetensors"):
        source = {"uri": weights}
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
