"""The whole part on tiny data: who takes part, in which order, and what is said and written."""

import argparse
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from transfermodel_trainer.training.device import Device

from tests.bench import __main__ as bench
from tests.bench.training import measuring, methods, options, part, sources
from tests.bench.training.material import ALL, Material
from tests.bench.training.methods import METHODS, Entry
from tests.bench.training.turns import Effort, Outcome, Turn
from tests.support.stack import Stack

pytestmark = pytest.mark.unit


def settings(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    options.add_options(parser)
    return parser.parse_args(arguments)


def test_every_method_takes_its_turn_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results, page = tmp_path / "results.json", tmp_path / "page.md"
    page.write_text("untouched")
    every = ",".join(name for name in METHODS if name != "refit")  # thirty samples have no 1 %
    arguments = ("--quick", "--seeds", "1", "--methods", every, "--results", str(results), "--page", str(page))
    part.run(settings(*arguments))
    said = capsys.readouterr().out
    for name, entry in METHODS.items():
        if name != "refit":
            assert f"tiny, all, {name}, seed 0: 0." in said or f"tiny, all, {name}, seed 0: 1." in said
            assert f"| {entry.title} | " in said
    assert not results.exists()
    assert page.read_text() == "untouched"


def test_all_methods_of_a_seed_come_after_each_other_on_the_same_samples(
    tiny: Material, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, int, tuple[str, ...]]] = []

    def recorded(name: str) -> Entry:
        def run(turn: Turn) -> Outcome:
            seen.append((name, turn.seed, tuple(turn.train.names)))
            return Outcome(0.5, 1.0, 1.0)

        return Entry(name, run)

    two = {name: recorded(name) for name in ("t0-frozen", "features")}
    monkeypatch.setattr(measuring, "METHODS", two)
    list(measuring.measure(tiny, ["5"], list(two), 2, device, Effort(), lambda _: None))
    assert [(name, seed) for name, seed, _ in seen] == [
        ("t0-frozen", 0),
        ("features", 0),
        ("features", 1),
        ("t0-frozen", 1),
    ]
    assert seen[0][2] == seen[1][2]
    assert seen[2][2] == seen[3][2]
    assert seen[0][2] != seen[2][2]
    assert len(seen[0][2]) == 15


def test_samples_are_drawn_of_each_class_alike(tiny: Material) -> None:
    drawn = tiny.drawn("4", 1)
    assert Counter(drawn.classes.tolist()) == {0: 4, 1: 4, 2: 4}
    assert drawn.names == tiny.drawn("4", 1).names
    assert tiny.drawn(ALL, 1) is tiny.train


def test_the_long_baselines_take_one_turn() -> None:
    assert methods.seeds_of("horse-ship-truck", ALL, "t0-fine-tuning", 3) == 1
    assert methods.seeds_of("horse-ship-truck", ALL, "t0-frozen", 3) == 3
    assert methods.seeds_of("horse-ship-truck", "20", "bit", 3) == 1


def test_the_longest_take_part_only_where_they_are_named(tiny: Material) -> None:
    assert not methods.applies("bit", tiny, "20", named=False)
    assert methods.applies("bit", tiny, "20", named=True)
    photographs = replace(tiny, name="horse-ship-truck")
    assert not methods.applies("t0-fine-tuning", photographs, ALL, named=False)
    assert methods.applies("t0-fine-tuning", photographs, ALL, named=True)
    assert methods.applies("t0-fine-tuning", photographs, "20", named=False)
    assert methods.applies("auto", photographs, ALL, named=False)
    assert not methods.applies("bit", replace(tiny, task="TextClassification"), "20", named=True)
    assert not methods.applies("refit", tiny, ALL, named=True)


def test_a_missing_data_set_is_left_out_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sources.SOURCES, "digits", sources.tiny)
    results, page = tmp_path / "results.json", tmp_path / "page.md"
    page.write_text(f"{part_marks()[0]}\n{part_marks()[1]}\n")
    asked = ("--data-sets", "digits,horse-ship-truck", "--methods", "raw-input", "--seeds", "2")
    part.run(settings(*asked, "--data", str(tmp_path), "--results", str(results), "--page", str(page)))
    reason = f"there is no {sources.WEIGHTS} in the folder of data sets (--data)"
    assert f"horse-ship-truck: left out: {reason}" in capsys.readouterr().out
    assert f"Not measured: horse-ship-truck, as {reason}." in page.read_text()
    assert '"seeds"' in results.read_text()


def part_marks() -> tuple[str, str]:
    from tests.bench import pages

    return pages.begin("training"), pages.END


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--methods", "auto,magic"), "no such method: magic; there are raw-input, "),
        (("--data-sets", "cats"), "no such data set: cats; there are digits, "),
        (("--sizes", "20,7"), "no such size: 7; there are 5, 20, all"),
        (("--quick", "--data-sets", "digits"), "no such data set: digits; there are tiny"),
    ],
)
def test_unknown_names_are_refused(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        part.run(settings(*arguments))


def test_training_runs_without_a_cluster() -> None:
    alone = {name for name, entry in bench.PARTS.items() if isinstance(entry, bench.Anywhere)}
    assert alone == {"command", "serving", "training"}


def test_parts_that_need_a_cluster_say_which_do_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none() -> None:
        raise RuntimeError("There is no cluster.")

    monkeypatch.setattr(Stack, "discover", none)
    monkeypatch.setattr("sys.argv", ["bench", "--only", "wake"])
    assert bench.main() == 1
    assert "Without a cluster `--only` measures command, serving, training." in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["bench", "--only", "training", "--seeds", "1"])
    asked: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", lambda command, check: asked.append(command[1:]))
    assert bench.main() == 0
    assert asked == [["-m", "tests.bench.training", "--seeds", "1"]]
