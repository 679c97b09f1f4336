"""The whole part: what is asked for, what is left out, what fails, and what stays."""

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bench import pages
from tests.bench.serving import options, part, scale
from tests.bench.serving.bench import Bench, Effort, NotHere, Visit
from tests.support.stack import Stack

pytestmark = pytest.mark.unit

Measure = Callable[[Bench], Iterator[Visit]]


def settings(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    options.add_options(parser)
    return parser.parse_args(arguments)


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    """Options for results and page in the test's own folder."""
    page = tmp_path / "page.md"
    page.write_text(f"Words.\n\n{pages.begin('serving')}\n{pages.END}\n")
    return ("--results", str(tmp_path / "results.json"), "--page", str(page))


def starts(bench: Bench) -> Iterator[Visit]:
    for subject in bench.backbones:
        for number in range(bench.effort.rounds):
            for side, seconds in (("ours", 1.0), ("b0", 6.0)):
                yield Visit("cold-start", subject, side, number, {"firstPredictionSeconds": seconds})


def not_here(_: Bench) -> Iterator[Visit]:
    raise NotHere("there is no image")
    yield


def breaks_with_the_second_backbone(bench: Bench) -> Iterator[Visit]:
    for visit in starts(bench):
        if visit.subject == "resnet50" and visit.side == "b0":
            raise RuntimeError("B0 ended with 1")
        yield visit


def test_parts_can_be_measured_one_after_the_other(
    tmp_path: Path, files: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, measure in {"cold-start": starts, "image-size": not_here}.items():
        monkeypatch.setitem(part.PARTS, name, measure)
    assert part.run(settings("--parts", "cold-start", "--visits", "2", *files)) == []
    assert part.run(settings("--parts", "image-size", *files)) == []
    document = json.loads((tmp_path / "results.json").read_text())
    assert document["cold_start_ratio"] == 6.0
    assert document["parts"]["cold-start"]["resnet50"]["ours"]["rounds"] == [0, 1]
    assert document["skipped"] == {"image-size": "there is no image"}
    text = (tmp_path / "page.md").read_text()
    assert "Not measured: image-size, as there is no image." in text
    assert "| `cold_start_ratio` | resnet18 | 6.00 | 6.00 to 6.00 | 2 |" in text
    assert text.startswith("Words.\n")


def test_what_fails_is_told_and_what_was_whole_stays(
    tmp_path: Path, files: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(part.PARTS, "cold-start", breaks_with_the_second_backbone)
    monkeypatch.setitem(part.PARTS, "image-size", not_here)
    failed = part.run(settings("--parts", "cold-start,image-size", *files))
    assert failed == ["cold-start: not measured to its end: B0 ended with 1"]
    document = json.loads((tmp_path / "results.json").read_text())
    assert set(document["parts"]["cold-start"]) == {"resnet18"}
    assert document["skipped"] == {"image-size": "there is no image"}


def test_trying_out_writes_nothing_and_leaves_the_cluster_alone(
    tmp_path: Path, files: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (tmp_path / "page.md").read_text()
    asked: list[str] = []

    def noted(name: str) -> Measure:
        def measure(_: Bench) -> Iterator[Visit]:
            asked.append(name)
            yield from ()

        return measure

    for name in part.PARTS:
        monkeypatch.setitem(part.PARTS, name, noted(name))
    assert part.run(settings("--quick", *files)) == []
    assert asked == [name for name in part.PARTS if name != "scale-from-zero"]
    assert not (tmp_path / "results.json").exists()
    assert (tmp_path / "page.md").read_text() == before


def test_without_a_cluster_waking_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise RuntimeError("There is no cluster.")

    monkeypatch.setattr(Stack, "discover", none)
    bench = Bench(tmp_path, tmp_path, Effort(), ("resnet18",), lambda _: None)
    with pytest.raises(NotHere, match=r"there is no cluster \(make cluster-up images deploy\)"):
        list(scale.measure(bench))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--parts", "traffic,magic"), "no such part: magic; there are cold-start, traffic, "),
        (("--backbones", "vgg"), "no such backbone: vgg; there are resnet18, resnet50"),
        (("--backbones", ","), "no backbone is named; there are resnet18, resnet50"),
        (("--visits", "0"), "--visits, --seconds and --turns must be above 0: nothing would be measured"),
        (("--turns", "0"), "--visits, --seconds and --turns must be above 0: nothing would be measured"),
        (("--seconds", "-1"), "--visits, --seconds and --turns must be above 0: nothing would be measured"),
    ],
)
def test_options_that_make_no_sense_are_refused(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        part.run(settings(*arguments))
