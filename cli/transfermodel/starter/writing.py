"""The file itself: commented YAML that runs as it is."""

import json
import os
from pathlib import Path
from typing import Any, Final

from transfermodel_operator.api import API_VERSION, KIND

from transfermodel.starter.choosing import BACKBONE, NATIVE_SIZE, Chosen
from transfermodel.starter.types import ROLES, Found

SHOWN_CLASSES: Final = 8
MOST_STEPS_UP: Final = 1
"""A path with more .. than this is written absolute."""
COMMENTS: Final = {
    "named": (
        "# What the backbone has learned from ImageNet; downloaded once (45 MB) and kept in ~/.cache.",
        "# Without network: {uri: FILE.safetensors}, or {scratch: true} with strategy FineTuning and unfreeze All.",
    ),
    "file": ("# A state dict with torchvision's own names; its classifier is dropped.",),
    "scratch": (
        "# Random weights: everything is learned from these images. With network use {name: DEFAULT}, what the",
        "# backbone has learned from ImageNet, and strategy FeatureExtraction: it needs far fewer images.",
    ),
}


def write(found: Found, chosen: Chosen, name: str, out: Path) -> str:
    """Return the text of the file.

    Args:
        found: the data.
        chosen: the defaults for it.
        name: of the TransferModel.
        out: where the text will lie: paths are relative to its folder.
    """
    folder = out.absolute().parent
    lines = [
        *_head(found, out),
        f"apiVersion: {API_VERSION}",
        f"kind: {KIND}",
        "metadata:",
        f"  name: {name}",
        "spec:",
        "  task: ImageClassification",
        *_backbone(found, chosen, folder),
        *_data(found, folder),
        *_training(chosen),
    ]
    return "\n".join(lines) + "\n"


def _head(found: Found, out: Path) -> list[str]:
    labels = found.labels
    counts = [f"{label} {found.counts['train'][label]}" for label in labels[:SHOWN_CLASSES]]
    more = f", and {len(labels) - SHOWN_CLASSES} more" if len(labels) > SHOWN_CLASSES else ""
    shown = _one_line(f"{', '.join(counts)}{more}")
    return [
        f"# {found.images} images in {len(labels)} classes ({shown}), most of about {found.side} pixels.",
        "#",
        f"#   transfermodel plan -f {_one_line(out.name)}          what it will take, and what is odd about the data",
        f"#   transfermodel run -f {_one_line(out.name)} --serve   train on this machine, then answer requests",
        "#",
        "# For a cluster copy the images to a bucket, write s3://bucket/folder for the paths, and kubectl apply.",
        *(f"# Note: {_one_line(note)}" for note in found.notes),
    ]


def _backbone(found: Found, chosen: Chosen, folder: Path) -> list[str]:
    if chosen.source == "model":
        return [
            "  backbone:",
            "    # The trunk of another TransferModel's newest version; its input and preprocessing come with it.",
            f"    fromTransferModel: {chosen.reference}",
        ]
    lines = [
        "  backbone:",
        "    # Any classification model of torchvision. resnet18 is small and quick; resnet50 and convnext_tiny know",
        "    # more, and take three to six times as long.",
        f"    name: {BACKBONE}",
        "    weights:",
        *(f"      {comment}" for comment in COMMENTS[chosen.source]),
    ]
    lines.append(
        {
            "named": f"      name: {chosen.reference}",
            "file": f"      uri: {_path(Path(chosen.reference or ''), folder)}",
            "scratch": "      scratch: true",
        }[chosen.source]
    )
    if chosen.size is None:
        return [*lines, f"    # The input is {NATIVE_SIZE} x {NATIVE_SIZE} pixels, as the weights were made for."]
    size_comment = {
        "named": f"# The images have {found.side} pixels; at {NATIVE_SIZE}, as in ImageNet, it would take far longer.",
        "file": "# Best is the size that the weights were made for.",
        "scratch": "# Half the size takes a quarter of the time.",
    }[chosen.source]
    return [*lines, "    input:", f"      {size_comment}", f"      size: {chosen.size}"]


def _data(found: Found, folder: Path) -> list[str]:
    kind = "an index file: one row per image" if found.columns else "one sub-folder per class"
    lines = ["  data:"]
    for role in ROLES:
        if role in found.sources:
            count = sum(found.counts[role].values())
            lines += [f"    {role}:  # {count} images; {kind}", f"      uri: {_path(found.sources[role], folder)}"]
    if found.columns and (found.columns.path, found.columns.label) != ("file", "label"):
        lines += [
            "    format:  # what the columns of the index file are called",
            f"      pathColumn: {json.dumps(found.columns.path, ensure_ascii=False)}",
            f"      labelColumn: {json.dumps(found.columns.label, ensure_ascii=False)}",
        ]
    if "test" not in found.sources:
        lines += [
            "    # Without images that are never learned from, the reported accuracy is an estimate. For a fair figure",
            "    # move some of each class elsewhere:",
            "    # test:",
            "    #   uri: the/folder/with/them",
        ]
    return lines


def _training(chosen: Chosen) -> list[str]:
    lines = ["  training:", f"    # {chosen.why}", f"    strategy: {chosen.training['strategy']}"]
    tuning: dict[str, Any] = chosen.training.get("fineTuning", {})
    if tuning:
        comments = {
            "unfreeze": "LastStages, or All",
            "epochs": "passes over the images",
            "learningRate": "a string, because floats are not portable",
        }
        lines.append("    fineTuning:")
        for key, value in tuning.items():
            # Of random weights all must learn: there is no choice to tell of.
            told = key in comments and not (key == "unfreeze" and chosen.source == "scratch")
            comment = f"  # {comments[key]}" if told else ""
            lines.append(f"      {key}: {json.dumps(value) if key == 'learningRate' else value}{comment}")
    elif chosen.source != "scratch":
        lines.append(
            "    # strategy: FineTuning also trains the backbone's last stages: slower, better with many images."
        )
    return lines


def _path(path: Path, folder: Path) -> str:
    """Return a path for the file: relative to its folder where that is near, quoted for YAML."""
    absolute = path.absolute()
    relative = os.path.relpath(absolute, folder)
    near = relative.split(os.sep).count("..") <= MOST_STEPS_UP
    return json.dumps(relative if near else str(absolute), ensure_ascii=False)


def _one_line(text: str) -> str:
    """Return a text that cannot end a comment."""
    return "".join(character if character.isprintable() else "?" for character in text)
