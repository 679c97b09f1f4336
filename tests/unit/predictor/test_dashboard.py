"""The dashboard asks for what predictors expose, by labels that they have."""

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from transfermodel_predictor.observation.metrics import Metrics
from transfermodel_predictor.observation.startup import STARTUP

from tests.support.dashboards import Query, dashboard, queries

pytestmark = pytest.mark.unit
TARGET = {"namespace", "pod", "transfermodel", "revision"}
"""Labels that the PodMonitor gives to all series."""


@pytest.fixture(scope="module")
def exposed() -> dict[str, set[str]]:
    """Name of each series of a predictor that has answered -> its labels."""
    metrics = Metrics("digits", "v1", "sha256:0")
    STARTUP.ready()
    metrics.answered("v1", "200", 0.1)
    metrics.failed("Overloaded")
    metrics.phase_took("infer", 0.1)
    metrics.batch(2)
    metrics.computes_on("cpu", "cuda")
    content, _ = metrics.exposition(None)
    return {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(content.decode())
        for sample in family.samples
    }


@pytest.mark.parametrize("query", queries(), ids=lambda query: query.expression[:60])
def test_each_series_and_label_is_there(query: Query, exposed: dict[str, set[str]]) -> None:
    assert query.metrics
    assert query.metrics <= set(exposed)
    grouped = {name.strip() for names in re.findall(r"by \(([^)]*)\)", query.expression) for name in names.split(",")}
    selected = set(re.findall(r"(\w+)(?:=~|!=)\"", query.expression))
    there = set().union(*(exposed[name] for name in query.metrics)) | TARGET
    assert grouped | selected <= there
    assert {"namespace", "transfermodel"} <= selected


def test_all_that_predictors_expose_is_shown(exposed: dict[str, set[str]]) -> None:
    shown = set().union(*(query.metrics for query in queries()))
    suffixes = re.compile(r"_(bucket|sum|count)$")
    ours = {suffixes.sub("", name) for name in exposed if name.startswith("transfermodel_")}
    assert ours == {suffixes.sub("", name) for name in shown if name.startswith("transfermodel_")}


def test_the_page_lists_what_predictors_expose(exposed: dict[str, set[str]]) -> None:
    """Name and labels of each metric; the bounds of buckets are not spoken of."""
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "monitoring.md").read_text()
    rows = re.findall(r"^\| `(transfermodel_\w+)` \| ([^|]*)\|", page, re.MULTILINE)
    listed = {name: {label.strip("` ") for label in labels.split(",") if label.strip()} for name, labels in rows}
    ours = {
        re.sub(r"_(bucket|sum|count)$", "", name): labels - {"le"}
        for name, labels in exposed.items()
        if name.startswith("transfermodel_")
    }
    assert listed == ours


def test_panels_are_numbered_placed_and_explained() -> None:
    panels = dashboard()["panels"]
    assert [panel["id"] for panel in panels] == [*range(1, len(panels) + 1)]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken
        taken |= cells
        assert panel["description"].endswith(".")
