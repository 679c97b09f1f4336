"""Axes with round numbers, and marks where the numbers say."""

import pytest
from transfermodel_trainer.evaluation.reliability import Bin
from transfermodel_trainer.publishing.report.charts import Series, bar, brief, line_chart, reliability_diagram
from transfermodel_trainer.publishing.report.svg import (
    Axis,
    accuracy_axis,
    count_axis,
    decade_axis,
    element,
    linear_axis,
)

from tests.support.pages import parse


def texts(axis: Axis) -> list[str]:
    return [text.replace("\xa0", " ") for _, text in axis.ticks]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 2.3, ["0", "1", "2", "3"]),
        (0, 1, ["0.00", "0.25", "0.50", "0.75", "1.00"]),
        (0, 0.004, ["0.000", "0.001", "0.002", "0.003", "0.004"]),
        (0, 0.0009, ["0", "2.5e-4", "5e-4", "7.5e-4", "1e-3"]),
        (0, 0, ["0.00", "0.25", "0.50", "0.75", "1.00"]),
    ],
)
def test_linear_ticks(low: float, high: float, expected: list[str]) -> None:
    axis = linear_axis(low, high, "")
    assert texts(axis) == expected
    assert axis.low <= low
    assert axis.high >= high


@pytest.mark.parametrize(
    ("lowest", "expected"),
    [
        (1.0, ["90.0 %", "92.5 %", "95.0 %", "97.5 %", "100.0 %"]),
        (0.37, ["20 %", "40 %", "60 %", "80 %", "100 %"]),
        (0, ["0 %", "25 %", "50 %", "75 %", "100 %"]),
    ],
)
def test_accuracy_ends_at_one_and_is_never_drawn_too_closely(lowest: float, expected: list[str]) -> None:
    assert texts(accuracy_axis(lowest)) == expected


def test_decades() -> None:
    axis = decade_axis(0.02, 300, "")
    assert texts(axis) == ["0.01", "0.1", "1", "10", "100", "1,000"]
    assert axis.share(1) == pytest.approx(0.4)
    assert len(decade_axis(1e-9, 1e9, "").ticks) <= 7


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (range(1, 5), ["1", "2", "3", "4"]),
        (range(1, 201), ["1", "50", "100", "150", "200"]),
        ([1], ["1"]),
        ([5, 5], ["5"]),
    ],
)
def test_counts(values: list[int], expected: list[str]) -> None:
    assert texts(count_axis(values, "")) == expected


def test_logarithmic_counts_leave_out_what_would_overlap() -> None:
    axis = count_axis([1, 2, 5, 10, 20, 50, 100, 200, 500], "", logarithmic=True)
    assert axis.share(1) == 0
    assert axis.share(500) == 1
    assert texts(axis) == ["1", "5", "20", "50", "200", "500"]


def test_a_line_goes_through_its_points() -> None:
    x, y = linear_axis(0, 4, ""), linear_axis(0, 1, "")
    svg = line_chart("it", "title", "description", x, y, [Series("one", ((0, 0), (4, 1)), ((0, 0.25), (0.5, 1)))])
    line = parse(svg.encode()).all("polyline")[0]
    # From the left end of the floor to the right end of the ceiling, in the drawing's units.
    assert line.attributes["points"] == "54.0,226.0 394.0,34.0"


def test_series_differ_by_more_than_colour() -> None:
    axis = linear_axis(0, 1, "")
    drawn = line_chart("it", "t", "d", axis, axis, [Series("one", ((0, 0),)), Series("two", ((1, 1),))])
    tree = parse(drawn.encode())
    first, second = tree.all("g", class_="series-0"), tree.all("g", class_="series-1")
    assert [node.tag for node in first[0].all(class_="marker")] == ["circle"]
    assert [node.tag for node in second[0].all(class_="marker")] == ["rect"]
    assert [group.all("text")[0].text() for group in (first[1], second[1])] == ["one", "two"]


def test_bars_are_as_high_as_the_accuracy() -> None:
    bins = (Bin(0, 0.5, 0, 0, 0), Bin(0.5, 1, 20, 0.8, 0.5))
    tree = parse(reliability_diagram("it", "t", "d", bins).encode())
    (drawn,) = tree.all("rect", class_="bar")
    assert float(drawn.attributes["height"]) == pytest.approx((226 - 34) / 2)
    assert [node.text() for node in tree.all("text", class_="small")] == ["20"]


def test_a_bar_hides_from_screen_readers_and_fills_by_its_shares() -> None:
    tree = parse(bar(0.5, 0.25, low=0.4, high=0.9).encode()).one("svg")
    assert tree.attributes["aria-hidden"] == "true"
    fills = [(rect.attributes["x"], rect.attributes["width"]) for rect in tree.all("rect")[1:]]
    assert fills == [("0", "50"), ("50", "25")]
    assert tree.one(class_="whisker").attributes["d"].startswith("M40.0 ")


@pytest.mark.parametrize(("count", "text"), [(983, "983"), (1234, "1.2k"), (9949, "9.9k"), (34_567, "35k")])
def test_brief_counts(count: int, text: str) -> None:
    assert brief(count) == text
    assert len(text) <= 4


def test_elements_escape() -> None:
    assert element("text", "<b>", class_="a", stroke_width=2.0, title='"') == (
        '<text class="a" stroke-width="2" title="&#34;">&lt;b&gt;</text>'
    )
