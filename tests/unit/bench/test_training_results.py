"""From turns to ratios, targets and tables."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench import documents, pages
from tests.bench.training import page, results
from tests.bench.training.measuring import Cell, Measured
from tests.bench.training.turns import Outcome

pytestmark = pytest.mark.unit

RUN = {
    "date": "2026-01-02 03:04 UTC",
    "processor": "A processor",
    "cores": 2,
    "threads": 2,
    "load": 0.1,
    "versions": {"torch": "2.0"},
}
Turns = dict[str, list[tuple[float, float]]]


def turns(data_set: str, size: str, methods: Turns, evaluation: float = 1.0) -> list[Measured]:
    """Return turns from (accuracy, seconds) by method, seeds from 0 on."""
    return [
        Measured(Cell(data_set, size, method), seed, Outcome(accuracy, seconds, evaluation, choosing_seconds=2.0))
        for method, pairs in methods.items()
        for seed, (accuracy, seconds) in enumerate(pairs)
    ]


def document(measured: list[Measured], run: str = "a", before: dict[str, Any] | None = None) -> dict[str, Any]:
    return results.merged(before, results.rows_of(measured, run), {run: RUN}, {})


@pytest.fixture
def speed() -> dict[str, Any]:
    """T0 and ours by three seeds each."""
    return document(
        turns(
            "horse-ship-truck",
            "all",
            {
                "t0-frozen": [(0.80, 100.0), (0.82, 90.0), (0.81, 120.0)],
                "features": [(0.86, 4.0), (0.85, 3.0), (0.86, 4.0)],
                "refit": [(0.86, 0.5), (0.86, 0.9), (0.86, 1.0)],
            },
        )
    )


def met(whole: dict[str, Any]) -> dict[str, bool | None]:
    return {target["name"]: target["met"] for target in whole["targets"]}


def test_a_speedup_is_the_median_of_the_ratios_by_seed(speed: dict[str, Any]) -> None:
    assert speed["head_speedup"] == {"all": 30.0}
    assert speed["speedups"]["head_speedup"]["all"] == documents.spread([25.0, 30.0, 30.0])
    assert speed["refit_speedup"] == 120.0


def test_evaluation_and_choosing_are_added_on_both_sides(speed: dict[str, Any]) -> None:
    assert speed["head_speedup_with_evaluation"]["all"] == pytest.approx(91 / 4, abs=1e-3)
    # The middle one of 102 / 6, 92 / 5 and 122 / 6: here both sides have seconds of choosing.
    assert speed["head_speedup_with_choosing"]["all"] == pytest.approx(92 / 5, abs=1e-3)


def test_a_row_holds_accuracy_and_seconds_with_their_spread(speed: dict[str, Any]) -> None:
    row = speed["datasets"]["horse-ship-truck"]["all"]["features"]
    assert row["accuracy"] == {"median": 0.86, "minimum": 0.85, "maximum": 0.86, "values": [0.86, 0.85, 0.86]}
    assert row["seconds"]["median"] == 4.0
    assert row["seeds"] == [0, 1, 2]
    assert speed["runs"][row["run"]] == RUN


def test_what_was_not_measured_in_one_run_has_no_ratio(speed: dict[str, Any]) -> None:
    later = document(turns("horse-ship-truck", "all", {"features": [(0.9, 1.0)]}), "b", speed)
    assert later["head_speedup"] == {}
    assert later["refit_speedup"] == 120.0
    assert set(later["runs"]) == {"a", "b"}
    assert later["datasets"]["horse-ship-truck"]["all"]["features"]["accuracy"]["values"] == [0.9]
    assert later["datasets"]["horse-ship-truck"]["all"]["t0-frozen"]["run"] == "a"


def test_a_run_of_which_no_row_is_left_is_forgotten() -> None:
    first = document(turns("digits", "all", {"features": [(0.9, 1.0)]}))
    assert set(document(turns("digits", "all", {"features": [(0.8, 1.0)]}), "b", first)["runs"]) == {"b"}


def test_ratios_pair_the_turns_of_one_seed() -> None:
    rows = document(
        turns("horse-ship-truck", "20", {"t0-frozen": [(0.7, 10.0)], "features": [(0.8, 1.0), (0.8, 100.0)]})
    )
    assert rows["speedups"]["head_speedup"]["20"]["values"] == [10.0]


def test_targets_of_speed(speed: dict[str, Any]) -> None:
    assert met(speed)["head_speedup, all samples"] is True
    assert met(speed)["FeatureExtraction's lead over T0 frozen, horse-ship-truck, all samples"] is True
    assert met(speed)["refit_speedup"] is True
    assert met(speed)["head_speedup, 20 a class"] is None
    slow = document(
        turns("horse-ship-truck", "20", {"t0-frozen": [(0.8, 14.0)], "features": [(0.81, 1.0)], "refit": [(0.8, 1.0)]})
    )
    assert met(slow)["head_speedup, 20 a class"] is False
    assert met(slow)["FeatureExtraction's lead over T0 frozen, horse-ship-truck, 20 a class"] is False


@pytest.mark.parametrize(
    ("auto", "hyperrule", "accuracy", "time"),
    [((0.9, 25.0), (0.9, 100.0), True, True), ((0.89, 26.0), (0.9, 100.0), False, False)],
)
def test_targets_of_auto(auto: tuple[float, float], hyperrule: tuple[float, float], accuracy: bool, time: bool) -> None:
    rows = {"auto": [auto], "bit": [hyperrule], "t0-frozen": [(0.895, 9.0)], "t0-fine-tuning": [(0.85, 9.0)]}
    found = met(document(turns("digits", "all", rows)))
    assert found["Auto's lead over T0 frozen, digits, all samples"] is accuracy
    assert found["Auto's lead over T0 fine-tuning, digits, all samples"] is True
    assert found["Auto's lead over BiT-HyperRule, digits, all samples"] is accuracy
    assert found["Auto's time over BiT-HyperRule's, digits, all samples"] is time


def test_accuracies_are_compared_over_the_seeds_that_both_had() -> None:
    rows: Turns = {"auto": [(0.8, 1.0), (0.1, 1.0), (0.1, 1.0)], "t0-fine-tuning": [(0.8, 1.0)]}
    found = document(turns("digits", "all", rows))
    target = next(target for target in found["targets"] if "fine-tuning" in target["name"])
    assert target["measured"] == 0.0
    assert target["met"] is True


def test_targets_of_text_and_audio() -> None:
    good = turns("sst2", "all", {"features": [(0.80, 1.0)], "raw-input": [(0.75, 1.0)]})
    good += turns("spoken-digits", "all", {"auto": [(0.98, 1.0)], "raw-input": [(0.967, 1.0)]})
    found = met(document(good))
    assert found["FeatureExtraction's accuracy, sst2"] is True
    assert found["its lead over TF-IDF, sst2"] is True
    assert found["Auto's accuracy, spoken digits"] is True
    assert found["Auto's lead over the raw input, spoken digits"] is True
    bad = turns("sst2", "all", {"features": [(0.77, 1.0)], "raw-input": [(0.75, 1.0)]})
    bad += turns("spoken-digits", "all", {"auto": [(0.96, 1.0)], "raw-input": [(0.967, 1.0)]})
    assert [name for name, value in met(document(bad)).items() if value] == []


def test_results_are_written_and_read_again(speed: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "bench/results/training.json"
    documents.write(speed, path)
    found = results.read(path)
    assert found is not None
    assert found["head_speedup"] == {"all": 30.0}
    assert found["datasets"]["horse-ship-truck"]["all"]["features"]["accuracy"]["median"] == 0.86
    assert {"head_speedup", "head_speedup_with_evaluation", "refit_speedup", "datasets", "targets"} <= found.keys()
    path.write_text(json.dumps({"schema": 0}))
    assert results.read(path) is None
    assert results.read(tmp_path / "none.json") is None


def test_numbers_have_five_digits() -> None:
    assert documents.rounded({"a": [1.234567, {"b": 123456.7}], "c": "text", "d": None, "e": True}) == {
        "a": [1.2346, {"b": 123460.0}],
        "c": "text",
        "d": None,
        "e": True,
    }


def test_a_table_shows_every_method_in_one_order(speed: dict[str, Any]) -> None:
    lines = page.tables(speed).splitlines()
    begin = lines.index("### horse-ship-truck, all samples")
    assert lines[begin + 4 : begin + 7] == [
        "| T0: the tutorial, frozen | 0.810 | 0.800 to 0.820 | 100 s | 90.0 to 120 | 1.00 s | 3 | 1 |",
        "| **FeatureExtraction** | 0.860 | 0.850 to 0.860 | 4.00 s | 3.00 to 4.00 | 1.00 s | 3 | 1 |",
        "| **FeatureExtraction**, refit after adding 1 % | 0.860 | 0.860 to 0.860 | 0.900 s | 0.500 to 1.00 "
        "| 1.00 s | 3 | 1 |",
    ]
    assert "| `head_speedup` | all samples | 30.0 | 25.0 to 30.0 | 3 |" in lines
    assert "| head_speedup, all samples | 30 | >= 25 | met |" in lines
    assert "| head_speedup, 20 a class | not measured | >= 15 |  |" in lines
    assert "| 1 | 2026-01-02 03:04 UTC | A processor, 2 cores | 2 | 0.1 | torch 2.0 |" in lines


def test_one_turn_has_no_range_and_a_missed_target_stands_out() -> None:
    text = page.tables(document(turns("spoken-digits", "all", {"auto": [(0.5, 200.0)]})))
    assert "| **Auto** | 0.500 |  | 200 s |  | 1.00 s | 1 | 1 |" in text
    assert "| Auto's accuracy, spoken digits | 0.5 | >= 0.97 | **missed** |" in text


def test_what_was_left_out_is_said() -> None:
    whole = results.merged(None, {}, {"a": RUN}, {"sst2": "there is no train.csv"})
    assert "Not measured: sst2, as there is no train.csv." in page.tables(whole)


def test_the_page_changes_between_its_marks_alone(speed: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(f"# Title\n\nWords.\n\n{pages.begin(page.PART)}\nold\n{pages.END}\n\nMore words.\n")
    for _ in range(2):
        page.write_page(speed, path)
        text = path.read_text()
        assert text.startswith(f"# Title\n\nWords.\n\n{pages.begin(page.PART)}\n")
        assert text.endswith(f"{pages.END}\n\nMore words.\n")
        assert "old" not in text
        assert text.count("### horse-ship-truck, all samples") == 1
    path.write_text("# Title\n")
    with pytest.raises(ValueError, match="lacks the marks"):
        page.write_page(speed, path)


def test_the_page_of_the_documentation_shows_the_stored_results() -> None:
    from tests.bench.training.options import PAGE, RESULTS

    stored = results.read(RESULTS)
    text = PAGE.read_text()
    assert pages.begin(page.PART) in text
    assert pages.END in text
    if stored is not None:
        assert page.tables(stored) in text
