"""From visits to ratios, targets and tables."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench import documents, pages
from tests.bench.serving import page, results
from tests.bench.serving.bench import Visit
from tests.bench.serving.keys import KEYS
from tests.bench.serving.options import PAGE, RESULTS

pytestmark = pytest.mark.unit

RUN = {
    "date": "2026-01-02 03:04 UTC",
    "processor": "A processor",
    "cores": 2,
    "load": 0.1,
    "versions": {"kserve": "1.0"},
}
Sides = dict[str, list[float]]


def visits(part: str, subject: str, figure: str, sides: Sides, **others: float) -> list[Visit]:
    """Return visits from values by side, rounds from 0 on."""
    return [
        Visit(part, subject, side, number, {figure: value, **others})
        for side, values in sides.items()
        for number, value in enumerate(values)
    ]


def document(
    found: list[Visit], run: str = "a", before: dict[str, Any] | None = None, **skipped: str
) -> dict[str, Any]:
    return results.merged(before, results.rows_of(found, run), {run: RUN}, {})


def starts(subject: str, b0: list[float], ours: list[float]) -> list[Visit]:
    return visits("cold-start", subject, "firstPredictionSeconds", {"b0": b0, "ours": ours})


def met(whole: dict[str, Any]) -> dict[str, bool | None]:
    return {target["key"]: target["met"] for target in whole["targets"]}


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    whole = document(starts("resnet18", [6.0, 4.0, 9.0], [1.0, 1.0, 3.0]))
    assert whole["ratios"]["cold_start_ratio"]["resnet18"] == documents.spread([6.0, 4.0, 3.0])
    assert whole["cold_start_ratio"] == 4.0


def test_the_backbone_that_is_worst_counts() -> None:
    whole = document(starts("resnet18", [6.0], [1.0]) + starts("resnet50", [5.0], [1.0]))
    assert whole["cold_start_ratio"] == 5.0
    traffic = visits("traffic", "resnet18", "residentMegabytes", {"ours": [2.0], "b0": [10.0]}) + visits(
        "traffic", "resnet50", "residentMegabytes", {"ours": [3.0], "b0": [10.0]}
    )
    assert document(traffic)["memory_ratio"] == 0.3


@pytest.mark.parametrize(
    ("part", "figure", "sides", "key", "good"),
    [
        ("cold-start", "firstPredictionSeconds", {"b0": [5.0], "ours": [1.0]}, "cold_start_ratio", True),
        ("cold-start", "firstPredictionSeconds", {"b0": [4.99], "ours": [1.0]}, "cold_start_ratio", False),
        ("scale-from-zero", "seconds", {"b0": [3.0], "ours": [1.0]}, "scale_from_zero_ratio", True),
        ("scale-from-zero-bursts", "answeredShare", {"ours": [1.0]}, "scale_from_zero_answered", True),
        ("traffic", "requestsPerSecond1", {"ours": [2.0], "b0": [1.0]}, "throughput_ratio_c1", True),
        ("traffic", "requestsPerSecond1", {"ours": [1.0], "b0": [2.0]}, "throughput_ratio_c1", False),
        ("traffic", "requestsPerSecond8", {"ours": [29.0], "b0": [10.0]}, "throughput_ratio_c8", False),
        ("traffic", "requestsPerSecond32", {"ours": [30.0], "b0": [10.0]}, "throughput_ratio_c32", True),
        ("traffic", "requestsPerSecond8", {"ours-int8": [40.0], "b0": [10.0]}, "int8_throughput_ratio", True),
        ("int8-accuracy", "lossPoints", {"ours-int8": [0.6]}, "int8_accuracy_loss", False),
        ("traffic", "p99Milliseconds8", {"ours": [5.0], "b0": [10.0]}, "p99_ratio_c8", True),
        ("traffic", "residentMegabytes", {"ours": [26.0], "b0": [100.0]}, "memory_ratio", False),
        ("lone-request", "p50Milliseconds", {"batching": [1.06], "no-batching": [1.0]}, "lone_request_ratio", False),
        ("traffic", "healthP99Milliseconds", {"ours": [9.9], "b0": [900.0]}, "health_p99_ms", True),
        ("binary", "requestsPerSecond8", {"binary": [5.0], "json": [1.0]}, "binary_ratio", True),
        ("image-size", "megabytes", {"ours": [100.0], "b0": [400.0]}, "image_ratio", True),
    ],
)
def test_every_target_has_its_direction(part: str, figure: str, sides: Sides, key: str, good: bool) -> None:
    whole = document(visits(part, "resnet18", figure, sides))
    assert met(whole)[key] is good
    assert [name for name, found in met(whole).items() if found is not None] == [key]


def test_one_lost_request_of_many_wakes_is_a_miss() -> None:
    whole = document(visits("scale-from-zero-bursts", "resnet18", "answeredShare", {"ours": [1.0, 1.0, 0.95]}))
    assert whole["scale_from_zero_answered"] == 0.95
    assert met(whole)["scale_from_zero_answered"] is False


def test_what_was_not_measured_has_no_key_and_no_verdict() -> None:
    whole = document(starts("resnet18", [6.0], [1.0]))
    assert "int8_throughput_ratio" not in whole
    assert met(whole)["int8_throughput_ratio"] is None
    assert set(met(whole)) == {name for name, key in KEYS.items() if key.least is not None or key.most is not None}


def test_no_ratio_spans_two_runs() -> None:
    first = document(starts("resnet18", [6.0], [1.0]) + starts("resnet50", [7.0], [1.0]))
    second = document(starts("resnet18", [8.0], [1.0]), run="b", before=first)
    assert second["ratios"]["cold_start_ratio"] == {
        "resnet50": documents.spread([7.0]),
        "resnet18": documents.spread([8.0]),
    }
    assert set(second["runs"]) == {"a", "b"}
    only_ours = [visit for visit in starts("resnet18", [6.0], [1.0]) if visit.side == "ours"]
    third = document(only_ours, run="c", before=second)
    assert third["ratios"]["cold_start_ratio"] == {"resnet50": documents.spread([7.0])}
    assert set(third["parts"]["cold-start"]["resnet18"]) == {"ours"}


def test_rounds_are_paired_by_their_number() -> None:
    found = starts("resnet18", [6.0, 10.0], [1.0, 2.0])
    del found[0]
    assert document(found)["ratios"]["cold_start_ratio"]["resnet18"] == documents.spread([5.0])


def test_a_round_that_lacks_a_figure_is_an_error() -> None:
    found = visits("traffic", "resnet18", "requestsPerSecond1", {"ours": [1.0]})
    found += [Visit("traffic", "resnet18", "ours", 1, {"requestsPerSecond8": 1.0})]
    with pytest.raises(KeyError, match="requestsPerSecond1"):
        results.rows_of(found, "a")


def test_a_reason_stays_until_the_part_is_measured() -> None:
    first = results.merged(None, {}, {"a": RUN}, {"cold-start": "there is no processor"})
    assert "Not measured: cold-start, as there is no processor." in page.tables(first)
    second = document(starts("resnet18", [6.0], [1.0]), before=first)
    assert second["skipped"] == {}


def test_the_file_reads_back_and_another_schema_does_not(tmp_path: Path) -> None:
    path = tmp_path / "results/serving.json"
    whole = document(starts("resnet18", [6.0], [1.0]))
    documents.write(whole, path)
    assert results.read(path) == whole
    path.write_text(json.dumps(whole | {"schema": 99}))
    assert results.read(path) is None


def test_the_page_shows_absolute_figures_of_both_sides_with_their_range() -> None:
    text = page.tables(
        document(starts("resnet18", [3.0, 4.0], [0.5, 0.6]))
        | {"skipped": {"scale-from-zero": "there is no cluster (make cluster-up images deploy)"}}
    )
    lines = text.splitlines()
    assert "| exec to the first 200, B0 / ours | 6.333 | >= 5 | met |" in lines
    assert "| requests/s at concurrency 8, ours / B0 | not measured | >= 3 |  |" in lines
    assert "| `cold_start_ratio` | resnet18 | 6.33 | 6.00 to 6.67 | 2 |" in lines
    assert "| resnet18 | TransferModel | 0.550 (0.500 to 0.600) | 2 | 1 |" in lines
    assert "| resnet18 | B0 | 3.50 (3.00 to 4.00) | 2 | 1 |" in lines
    assert lines.index("| resnet18 | TransferModel | 0.550 (0.500 to 0.600) | 2 | 1 |") < lines.index(
        "| resnet18 | B0 | 3.50 (3.00 to 4.00) | 2 | 1 |"
    )
    assert "Not measured: scale-from-zero, as there is no cluster (make cluster-up images deploy)." in lines
    assert lines[-1] == "| 1 | 2026-01-02 03:04 UTC | A processor, 2 cores | 0.1 |  | kserve 1.0 |"


def test_the_page_adds_failures_up_and_tells_what_the_generator_took() -> None:
    found = visits("traffic", "resnet18", "requestsPerSecond1", {"ours": [9.0, 8.0]}, failed=3.0, generatorShare=0.04)
    lines = page.tables(document(found)).splitlines()
    assert "| backbone | side | requests/s, 1 client | failed | rounds | run |" in lines
    assert "| resnet18 | TransferModel | 8.50 (8.00 to 9.00) | 6 | 2 | 1 |" in lines
    assert "| 0.1 | 4% at most | kserve 1.0 |" in lines[-1]


def test_every_key_and_table_is_of_a_part_and_of_sides_that_there_are() -> None:
    from tests.bench.serving.part import PARTS
    from tests.bench.serving.scale import BURSTS

    parts = {*PARTS, BURSTS}
    assert {key.part for key in KEYS.values()} <= parts
    assert page.TABLES.keys() <= parts
    assert {side for key in KEYS.values() for side in (key.over, key.under) if side} <= page.SIDES.keys()


def test_the_stored_page_is_that_of_the_stored_results() -> None:
    text, stored = PAGE.read_text(), results.read(RESULTS)
    assert pages.begin(page.PART) in text
    assert pages.END in text
    if stored is not None:
        assert page.tables(stored) in text
