"""The file itself: commented YAML that runs as it is."""

import json
import os
import textwrap
from pathlib import Path
from typing import Any, Final

from transfermodel_operator.api import API_VERSION, KIND

from transfermodel.modalities import AUDIO, TEXT
from transfermodel.starter.choosing import BACKBONE, ENCODER, NATIVE_SIZE, Chosen
from transfermodel.starter.types import ROLES, Found

SHOWN_CLASSES: Final = 8
LONGEST_LINE: Final = 116
MOST_STEPS_UP: Final = 1
"""A path with more .. than this is written absolute."""
COMMENTS: Final = {
    "named": (
        "# What the backbone has learned from ImageNet; downloaded once (45 MB) and kept in ~/.cache.",
        "# Without network: {uri: FILE.safetensors}, or {scratch: true} with strategy FineTuning and unfreeze All.",
    ),
    "file": ("# A state dict with torchvision's own names; its classifier is dropped.",),
    "scratch": (
        "# Random weights: everything is learned from this data. With network use {name: DEFAULT}, what the",
        "# backbone has learned from ImageNet, and strategy FeatureExtraction: it needs far less data.",
    ),
}
TEXT_COMMENTS: Final = {
    "named": (
        "# What the encoder has learned from a billion sentences; downloaded once (90 MB) and kept in ~/.cache.",
        "# Without network: {uri: FOLDER} with config.json, tokenizer.json and model.safetensors.",
    ),
    "file": ("# A folder, or an archive of it, as Hugging Face stores it.",),
}
NETWORKS: Final = (
    "# Any classification model of torchvision or timm. resnet18 is small and quick; resnet50 and convnext_tiny know",
    "# more, and take three to six times as long.",
)
ENCODERS: Final = (
    "# An encoder of sentence-transformers or transformers. This one is small and quick, and best at English;",
    "# paraphrase-multilingual-MiniLM-L12-v2 knows fifty languages.",
)


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
        f"  task: {found.modality.task}",
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
    many = found.modality.many
    size = f", most of about {found.median}" if found.median else ""
    return [
        f"# {found.samples} {many} in {len(labels)} classes ({shown}){size}.",
        "#",
        f"#   transfermodel plan -f {_one_line(out.name)}          what it will take, and what is odd about the data",
        f"#   transfermodel run -f {_one_line(out.name)} --serve   train on this machine, then answer requests",
        "#",
        f"# For a cluster copy the {many} to a bucket, write s3://bucket/folder for the paths, and kubectl apply.",
        *(f"# Note: {_one_line(note)}" for note in found.notes),
    ]


def _backbone(found: Found, chosen: Chosen, folder: Path) -> list[str]:
    if chosen.source == "model":
        return [
            "  backbone:",
            "    # The trunk of another TransferModel's newest version; its input and preprocessing come with it.",
            f"    fromTransferModel: {chosen.reference}",
        ]
    texts = found.modality is TEXT
    comments = TEXT_COMMENTS if texts else COMMENTS
    lines = [
        "  backbone:",
        *(f"    {comment}" for comment in (ENCODERS if texts else NETWORKS)),
        f"    name: {ENCODER if texts else BACKBONE}",
        "    weights:",
        *(f"      {comment}" for comment in comments[chosen.source]),
    ]
    lines.append(
        {
            "named": f"      name: {chosen.reference}",
            "file": f"      uri: {_path(Path(chosen.reference or ''), folder)}",
            "scratch": "      scratch: true",
        }[chosen.source]
    )
    return [*lines, *_input(found, chosen)]


def _input(found: Found, chosen: Chosen) -> list[str]:
    if found.modality is TEXT:
        return [
            "    # The encoder reads the first 256 tokens, some 200 words, or fewer where it was made for fewer.",
            "    # input: {maxTokens: 128} takes half the time.",
        ]
    if found.modality is AUDIO:
        return [
            "    # Recordings become spectrograms. Their rate and length fit speech and short sounds; for others set",
            '    # sampleRate (16000, in hertz) and clipSeconds ("10" at most, by the recordings) here, too.',
            "    input:",
            f"      size: {chosen.size}",
        ]
    if chosen.size is None:
        return [f"    # The input is {NATIVE_SIZE} x {NATIVE_SIZE} pixels, as the weights were made for."]
    size_comment = {
        "named": f"# The images have {found.median}; at {NATIVE_SIZE}, as in ImageNet, it would take far longer.",
        "file": "# Best is the size that the weights were made for.",
        "scratch": "# Half the size takes a quarter of the time.",
    }[chosen.source]
    return ["    input:", f"      {size_comment}", f"      size: {chosen.size}"]


def _data(found: Found, folder: Path) -> list[str]:
    modality, columns = found.modality, found.columns
    kind = f"an index file: one row per {modality.one}" if columns else "one sub-folder per class"
    lines = ["  data:"]
    for role in ROLES:
        if role in found.sources:
            count = sum(found.counts[role].values())
            lines += [f"    {role}:  # {count} {modality.many}; {kind}"]
            lines += [f"      uri: {_path(found.sources[role], folder)}"]
    if columns and (columns.content, columns.label) != ("text" if columns.texts else "file", "label"):
        lines += [
            "    format:  # what the columns of the index file are called",
            f"      {'textColumn' if columns.texts else 'pathColumn'}: {_quoted(columns.content)}",
            f"      labelColumn: {_quoted(columns.label)}",
        ]
    if "test" not in found.sources:
        lines += [
            f"    # Without {modality.many} that are never learned from, the reported accuracy is an estimate. For a "
            "fair",
            "    # figure move some of each class elsewhere:",
            "    # test:",
            f"    #   uri: {'another.csv' if columns else 'the/folder/with/them'}",
        ]
    return lines


def _training(chosen: Chosen) -> list[str]:
    strategy = chosen.training["strategy"]
    lines = ["  training:", *_wrapped(chosen.why), f"    strategy: {strategy}"]
    tuning: dict[str, Any] = chosen.training.get("fineTuning", {})
    if tuning:
        comments = {
            "unfreeze": "LastStages, or All",
            "epochs": "passes over the data, at most",
            "learningRate": "a string, because floats are not portable",
        }
        lines.append("    fineTuning:")
        for key, value in tuning.items():
            # Of random weights all must learn: there is no choice to tell of.
            told = key in comments and not (key == "unfreeze" and chosen.source == "scratch")
            comment = f"  # {comments[key]}" if told else ""
            lines.append(f"      {key}: {json.dumps(value) if key == 'learningRate' else value}{comment}")
    elif strategy == "FeatureExtraction":
        lines.append(
            "    # strategy: Auto also fine-tunes the backbone, which takes longer, and keeps the better of the two."
        )
    return lines


def _wrapped(text: str) -> list[str]:
    """Return a sentence as comment lines."""
    return textwrap.wrap(_one_line(text), width=LONGEST_LINE, initial_indent="    # ", subsequent_indent="    # ")


def _quoted(text: str) -> str:
    """Return a text for YAML."""
    return json.dumps(text, ensure_ascii=False)


def _path(path: Path, folder: Path) -> str:
    """Return a path for the file: relative to its folder where that is near, quoted for YAML."""
    absolute = path.absolute()
    relative = os.path.relpath(absolute, folder)
    near = relative.split(os.sep).count("..") <= MOST_STEPS_UP
    return _quoted(relative if near else str(absolute))


def _one_line(text: str) -> str:
    """Return a text that cannot end a comment."""
    return "".join(character if character.isprintable() else "?" for character in text)
