"""MODEL_CARD.md (Mitchell et al. 2019, arXiv:1810.03993), from what the run knows."""

from typing import Final

from transfermodel_trainer.publishing.record import RunRecord
from transfermodel_trainer.publishing.report.making import provenance
from transfermodel_trainer.publishing.report.text import split_name

OF_TEXT: Final = """
`tokenizer.json`, `config.json`, `pooling.json`: how texts become tokens, what the encoder is, and how the tokens of a
text become one."""

IN_INTEGERS: Final = " `model.int8.onnx`: the same in 8-bit integers."


def write_card(record: RunRecord) -> bytes:
    """Return the card."""
    description, learned, counts = record.description, record.learned, record.split.counts()
    metrics = learned.headline.metrics
    measured = f"on the {split_name(learned.headline)}"
    if learned.estimated:
        measured = f"estimated {measured}; there was no test set"
    labels = ", ".join(_plain(label) for label in description.labels)
    classes = "\n".join(
        f"| {_plain(c.label)} | {c.precision:.3f} | {c.recall:.3f} | {c.count} |" for c in metrics.classes
    )
    facts = "\n".join(f"- {key}: {_plain(value)}" for key, value in (provenance(description) | record.facts).items())
    libraries = ", ".join(f"{name} {version}" for name, version in sorted(description.libraries.items()))
    many, library = record.words.many, description.backbone.name.partition("/")[0]
    others = OF_TEXT if description.task == "TextClassification" else ""
    integers = IN_INTEGERS if record.int8 and not record.int8.refusal else ""
    return f"""# {record.title}

Tells {len(description.labels)} classes of {many} apart: {labels}.

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
It always answers with one of its classes, also for {many} of anything else. The figures hold for {many} like those
that it was measured on.

## Provenance
{facts}
- libraries: {libraries}

## Files
`model.onnx`: {" and ".join(f"`{name}`" for name in description.signature.inputs)}, as `model.json` says, to `logits`
(N, {len(description.labels)}).{integers} `model.safetensors`: the same weights under {library}'s names.{others}
`metrics.json`, `report.html`: how it was measured. `manifest.json`: SHA-256 of every file.
""".encode()


def _plain(text: str) -> str:
    """Return text from the user's data without what Markdown would take for markup."""
    return "".join(
        " " if character in "\r\n" else f"\\{character}" if character in "|*_`<>[]#\\" else character
        for character in text
    )
