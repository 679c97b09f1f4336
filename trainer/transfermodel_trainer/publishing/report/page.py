"""The page around its sections."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined

from transfermodel_trainer.publishing.record import RunRecord
from transfermodel_trainer.publishing.report import (
    advice,
    calibration,
    classes,
    confusion,
    data,
    learning,
    making,
    mistakes,
    summary,
    text,
)


@dataclass(frozen=True)
class Section:
    """One part of the page; its template is <identifier>.html."""

    identifier: str
    title: str
    view: Callable[[RunRecord], object]


SECTIONS = (
    Section("advice", "What would change the result", advice.view),
    Section("data", "Data", data.view),
    Section("learning", "Learning", learning.view),
    Section("confusion", "Confusion", confusion.view),
    Section("classes", "Classes", classes.view),
    Section("calibration", "Reliability", calibration.view),
    Section("mistakes", "Mistakes", mistakes.view),
    Section("making", "How it was made", making.view),
)


def write_report(record: RunRecord) -> bytes:
    """Return the page. Class and file names come from the user's data: the templates escape everything."""
    style = _style()
    page = (
        _environment()
        .get_template("page.html")
        .render(
            record=record,
            title=text.plain(record.title),
            style=style,
            policy=policy(style, sounds=record.request.task == "AudioClassification"),
            summary=summary.view(record),
            sections=[(section, section.view(record)) for section in SECTIONS],
        )
    )
    # What is left of names that are no Unicode must not end a run that has been trained.
    return page.encode(errors="replace")


def policy(style: str, *, sounds: bool) -> str:
    """Return the Content-Security-Policy: this one style, and what lies inside the page; no script, nothing loaded."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    media = "media-src data:; " if sounds else ""
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; {media}base-uri 'none'; form-action 'none'"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "name": text.name,
        "plain": text.plain,
        "short": text.shortened,
        "excerpt": text.excerpt,
        "percent": text.percent,
        "plural": text.plural,
    }
    return environment


def _style() -> str:
    return (resources.files(__package__) / "templates" / "style.css").read_text()
