"""report.html: one page that needs nothing else, for people to judge a model by."""

import base64
import io
from html import escape

import numpy as np
from PIL import Image
from torch import Tensor
from transfermodel_predictor.artifact.description import ModelDescription

from transfermodel_trainer.evaluation.metrics import Metrics
from transfermodel_trainer.evaluation.summary import Evaluated, Learned
from transfermodel_trainer.training.finetuning import Epoch

SHOWN_MISTAKES = 24
THUMBNAIL_PIXELS = 96
LARGEST_MATRIX = 60
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#1b1f24}
h1{margin-bottom:0}h2{margin-top:2em;border-bottom:1px solid #d8dee4}
table{border-collapse:collapse}td,th{padding:.25em .6em;text-align:right}
th:first-child,td:first-child{text-align:left}.figures{display:flex;gap:2.5em;flex-wrap:wrap;margin:1em 0}
.figures b{display:block;font-size:1.8em}.matrix td{border:1px solid #fff;min-width:2.2em;text-align:center}
.matrix th{font-weight:500;white-space:nowrap}.mistakes{display:flex;flex-wrap:wrap;gap:1em}
.provenance td{text-align:left;vertical-align:top;overflow-wrap:anywhere}.provenance td:first-child{min-width:9em}
.mistakes figure{margin:0;width:130px;font-size:13px}.mistakes img{width:96px;height:96px;image-rendering:pixelated}
.scroll{overflow-x:auto}svg text{font-size:12px}code{background:#f2f4f6;padding:.1em .3em}
"""


def write_report(title: str, description: ModelDescription, learned: Learned) -> bytes:
    """Return the page. Class and file names come from the user's data: all text is escaped."""
    headline = learned.headline
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(_what(description))}</p>",
        _figures(headline, learned.estimated),
        "<h2>Confusion</h2>",
        _confusion(headline.metrics),
        "<h2>Classes</h2>",
        _classes(headline.metrics),
    ]
    if learned.history:
        parts += ["<h2>Training</h2>", _curve(learned.history)]
    parts += ["<h2>Mistakes</h2>", _mistakes(headline, description.labels)]
    parts += ["<h2>Provenance</h2>", _provenance(description, learned)]
    body = "\n".join(parts)
    page = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )
    return page.encode()


def split_name(evaluated: Evaluated) -> str:
    """Return how a split is called in sentences."""
    return {
        "test": "test set",
        "validation": "validation set",
        "leave-one-out": "training samples, each left out in turn",
    }[evaluated.split]


def _what(description: ModelDescription) -> str:
    return (
        f"{len(description.labels)} classes; {description.backbone.name}, {description.backbone.strategy}, "
        f"input {description.preprocessing.size} x {description.preprocessing.size}."
    )


def _figures(evaluated: Evaluated, estimated: bool) -> str:
    metrics = evaluated.metrics
    kind = "estimated on the" if estimated else "on the"
    return (
        f'<div class="figures"><div><b>{metrics.accuracy:.1%}</b>accuracy {kind} {split_name(evaluated)}<br>'
        f"95 % interval {metrics.low:.1%} to {metrics.high:.1%}</div>"
        f"<div><b>{metrics.cross_entropy:.3f}</b>cross entropy (nats)</div>"
        f"<div><b>{metrics.calibration_error:.3f}</b>calibration error</div>"
        f"<div><b>{metrics.count}</b>samples</div></div>"
    )


def _confusion(metrics: Metrics) -> str:
    labels = [entry.label for entry in metrics.classes]
    if len(labels) > LARGEST_MATRIX:
        return f"<p>{len(labels)} classes: the matrix is in metrics.json.</p>"
    head = "".join(f"<th>{escape(label)}</th>" for label in labels)
    rows = []
    for label, row in zip(labels, metrics.confusion, strict=True):
        total = max(1, sum(row))
        cells = "".join(_cell(count, count / total) for count in row)
        rows.append(f"<tr><th>{escape(label)}</th>{cells}</tr>")
    return (
        '<p>Rows: the truth. Columns: the prediction.</p><div class="scroll"><table class="matrix">'
        f"<tr><th></th>{head}</tr>{''.join(rows)}</table></div>"
    )


def _cell(count: int, share: float) -> str:
    shade = round(255 - 200 * share)
    text = "#fff" if share > 0.5 else "#1b1f24"
    return f'<td style="background:rgb({shade},{round(255 - 120 * share)},255);color:{text}">{count}</td>'


def _classes(metrics: Metrics) -> str:
    rows = "".join(
        f"<tr><td>{escape(c.label)}</td><td>{c.precision:.3f}</td><td>{c.recall:.3f}</td><td>{c.f1:.3f}</td><td>{c.count}</td></tr>"
        for c in metrics.classes
    )
    return f"<table><tr><th>class</th><th>precision</th><th>recall</th><th>F1</th><th>samples</th></tr>{rows}</table>"


def _curve(history: tuple[Epoch, ...]) -> str:
    width, height, margin = 640, 220, 40
    top = max(epoch.loss for epoch in history) or 1.0
    count = max(1, len(history) - 1)
    points = [
        (margin + (width - 2 * margin) * index / count, height - margin - (height - 2 * margin) * epoch.loss / top)
        for index, epoch in enumerate(history)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#0969da"/>' for x, y in points)
    return (
        f'<svg width="{width}" height="{height}" role="img" aria-label="training loss by epoch">'
        f'<line x1="{margin}" y1="{height - margin}" x2="{width - margin}" y2="{height - margin}" stroke="#8c959f"/>'
        f'<line x1="{margin}" y1="{margin}" x2="{margin}" y2="{height - margin}" stroke="#8c959f"/>'
        f'<polyline points="{line}" fill="none" stroke="#0969da" stroke-width="2"/>{dots}'
        f'<text x="{margin}" y="{margin - 10}">training loss, {top:.3f} at the top</text>'
        f'<text x="{margin}" y="{height - 12}">epoch 1</text>'
        f'<text x="{width - margin}" y="{height - 12}" text-anchor="end">epoch {len(history)}: '
        f"{history[-1].loss:.3f}</text></svg>"
    )


def _mistakes(evaluated: Evaluated, labels: tuple[str, ...]) -> str:
    probabilities = evaluated.logits.softmax(1)
    confidence, predicted = probabilities.max(1)
    wrong = (predicted != evaluated.images.classes).nonzero().flatten()
    if not len(wrong):
        return "<p>None.</p>"
    # The surest mistakes teach most: wrong labels and look-alikes come first.
    order = wrong[confidence[wrong].argsort(descending=True, stable=True)][:SHOWN_MISTAKES].tolist()
    figures = [
        f'<figure><img alt="" src="{_thumbnail(evaluated.images.pixels[index])}">'
        f"<figcaption>{escape(labels[predicted[index]])} "
        f"({confidence[index]:.0%})<br>truly {escape(labels[evaluated.images.classes[index]])}<br>"
        f"<code>{escape(evaluated.images.names[index])}</code></figcaption></figure>"
        for index in order
    ]
    return f'<p>The {len(order)} surest of {len(wrong)}.</p><div class="mistakes">{"".join(figures)}</div>'


def _thumbnail(pixels: Tensor) -> str:
    image = Image.fromarray(np.ascontiguousarray(pixels.numpy().transpose(1, 2, 0)))
    image.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _provenance(description: ModelDescription, learned: Learned) -> str:
    facts = provenance(description) | learned.notes
    rows = "".join(f"<tr><td>{escape(key)}</td><td>{escape(value)}</td></tr>" for key, value in facts.items())
    return f'<table class="provenance">{rows}</table>'


def provenance(description: ModelDescription) -> dict[str, str]:
    """Return where the model came from, as facts for people."""
    source = description.backbone.source
    origin = source.reference or "random weights"
    preprocessing = description.preprocessing
    return {
        "run": description.run,
        "backbone": description.backbone.name,
        "weights": origin,
        "digest of the weights": source.digest or "none",
        "strategy": description.backbone.strategy,
        "input": (
            f"{preprocessing.size} x {preprocessing.size}, {preprocessing.resize}, {preprocessing.interpolation}, "
            f"mean {list(preprocessing.mean)}, deviation {list(preprocessing.std)}"
        ),
        "libraries": ", ".join(f"{name} {version}" for name, version in sorted(description.libraries.items())),
    }
