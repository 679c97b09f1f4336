"""MODEL_CARD.md (Mitchell et al. 2019, arXiv:1810.03993), from what the run knows."""

from transfermodel_operator.api.run import RunCounts
from transfermodel_predictor.artifact.description import ModelDescription

from transfermodel_trainer.evaluation.summary import Learned
from transfermodel_trainer.publishing.report import provenance, split_name


def write_card(title: str, description: ModelDescription, learned: Learned, counts: RunCounts) -> bytes:
    """Return the card."""
    metrics = learned.headline.metrics
    measured = f"on the {split_name(learned.headline)}"
    if learned.estimated:
        measured = f"estimated {measured}; there was no test set"
    labels = ", ".join(_plain(label) for label in description.labels)
    classes = "\n".join(
        f"| {_plain(c.label)} | {c.precision:.3f} | {c.recall:.3f} | {c.count} |" for c in metrics.classes
    )
    facts = "\n".join(f"- {key}: {_plain(value)}" for key, value in (provenance(description) | learned.notes).items())
    size = description.preprocessing.size
    return f"""# {title}

Tells {len(description.labels)} classes of images apart: {labels}.

## Quality
Accuracy {metrics.accuracy:.1%} (95 % interval {metrics.low:.1%} to {metrics.high:.1%}, {metrics.count} samples),
{measured}.
Cross entropy {metrics.cross_entropy:.3f} nats, expected calibration error {metrics.calibration_error:.3f}.

| class | precision | recall | samples |
|---|---|---|---|
{classes}

## Data
{counts.train} training, {counts.validation} validation and {counts.test} test samples; {counts.skipped} files skipped.

## Use
It always answers with one of its classes, also for images of anything else. The figures hold for images like those
that it was measured on.

## Provenance
{facts}

## Files
`model.onnx`: `images` float32 (N, 3, {size}, {size}), preprocessed as `model.json` says, to `logits`
(N, {len(description.labels)}). `model.safetensors`: the same weights under torchvision's names.
`metrics.json`, `report.html`: how it was measured. `manifest.json`: SHA-256 of every file.
""".encode()


def _plain(text: str) -> str:
    """Return text from the user's data without what Markdown would take for markup."""
    return "".join(
        " " if character in "\r\n" else f"\\{character}" if character in "|*_`<>[]#\\" else character
        for character in text
    )
