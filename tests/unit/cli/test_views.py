"""What a run looks like while it goes on and when it is over, on wide and narrow terminals and in logs."""

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console
from transfermodel.modalities import AUDIO, IMAGE, TEXT
from transfermodel.workspace import LocalModel
from transfermodel_cli import answers, console, progress, results
from transfermodel_cli.progress import TrainingView, clock
from transfermodel_operator.api import RunProgress

from tests.unit.cli.conftest import result

pytestmark = pytest.mark.unit

TRAINING = RunProgress(
    phase="Training", percent=61, epoch=5, epochs=8, eta_seconds=65, loss="0.12345", accuracy="0.9375"
)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What goes to stderr."""
    stream = io.StringIO()
    plain = Console(file=stream, width=console.PLAIN_WIDTH)
    monkeypatch.setattr(progress, "notes", lambda: plain)
    return stream


def lines_of(view: TrainingView, width: int) -> list[str]:
    terminal = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress, "notes", lambda: terminal)
        with terminal.capture() as captured:
            terminal.print(view.render())
    return captured.get().rstrip("\n").split("\n")


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_the_bar_is_one_line_whatever_the_width(width: int, written: io.StringIO) -> None:
    view = TrainingView("digits", set())
    assert len(lines_of(view, width)) == 1
    view.progress = TRAINING
    (line,) = lines_of(view, width)
    assert len(line) <= width
    assert "digits" in line
    assert "61 %" in line
    assert "━" in line


def test_what_matters_most_stays_on_a_narrow_terminal(written: io.StringIO) -> None:
    view = TrainingView("digits", set())
    view.progress = TRAINING
    (wide,) = lines_of(view, 120)
    assert re.search(r"epoch 5/8  about 1:05 left  accuracy 93.8 %  loss 0.123  0:00$", wide.rstrip())
    (narrow,) = lines_of(view, 60)
    assert "epoch 5/8" in narrow
    assert "loss" not in narrow


def test_a_search_counts_trials(written: io.StringIO) -> None:
    with TrainingView("digits", set()) as view:
        view.on_progress(RunProgress(phase="Search", percent=40, epoch=7, epochs=20, accuracy="0.9375"))
    assert "40 %  trying settings  trial 7/20  accuracy 93.8 %" in written.getvalue()


def test_a_log_has_a_line_for_each_step_and_not_for_each_moment(written: io.StringIO) -> None:
    with TrainingView("digits", set()) as view:
        for percent in range(12, 40):
            view.on_progress(RunProgress(phase="Features", percent=percent))
        view.on_progress(TRAINING)
        view.on_progress(TRAINING)
    text = written.getvalue()
    assert [line.split()[1] for line in text.splitlines()] == ["12", "20", "30", "61"]
    assert "training  epoch 5/8  about 1:05 left  accuracy 93.8 %  loss 0.123" in text
    assert "\x1b" not in text


def test_the_trainers_words_are_shown_once_and_not_what_the_bar_says(written: io.StringIO) -> None:
    heard: set[str] = set()
    for name in ("base", "digits"):
        with TrainingView(name, heard) as view:
            for line in ("Computing on [cpu].", "Epoch 1/6: loss 0.1", "Accuracy 0.9", "Resuming after epoch 3 of 8."):
                view.on_line(line)
    assert written.getvalue() == "Computing on [cpu].\nResuming after epoch 3 of 8.\n"


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (65.4, "1:05"), (59.6, "1:00"), (3665, "1:01:05")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1, "100.0 %"),
        ("0.99999", "> 99.9 %"),
        ("0.9375", "93.8 %"),
        (0.0001, "< 0.1 %"),
        (0, "0.0 %"),
        (0.0005, "0.1 %"),
    ],
)
def test_what_is_nearly_certain_is_not_called_certain(share: float | str, text: str) -> None:
    assert console.percent(share) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0, ""), (0.001, ""), (0.5, "█" * 10), (0.53, "█" * 10 + "▋"), (1, "█" * 20)]
)
def test_bar(share: float, text: str) -> None:
    assert answers.bar(share) == text


def test_accuracy_says_on_what_and_how_sure() -> None:
    measured = result("file:///a", "sha256:" + "0" * 64)
    assert results.accuracy(measured, IMAGE) == "accuracy 93.8 %, 95 % interval 85.0 % to 98.0 %, on 12 test images"
    estimated = measured.model_copy(
        update={
            "estimated": True,
            "metrics_split": "validation",
            "counts": measured.counts.model_copy(update={"validation": 7, "test": 0}),
        }
    )
    assert results.accuracy(estimated, TEXT).endswith(
        "; an estimate from 7 validation texts: set data.test for a fair figure"
    )
    left_out = estimated.model_copy(update={"counts": measured.counts.model_copy(update={"validation": 0, "test": 0})})
    assert "an estimate from the 30 training recordings" in results.accuracy(left_out, AUDIO)


@pytest.mark.parametrize(
    ("asked", "kept", "said"),
    [
        ("Auto", "FeatureExtraction", "Auto kept the new head on the frozen backbone"),
        ("Auto", "FineTuning", "Auto kept the fine-tuned backbone"),
        ("FineTuning", "FineTuning", ""),
        ("Auto", None, ""),
    ],
)
def test_what_auto_came_to_is_said(reviews: LocalModel, asked: str, kept: str | None, said: str) -> None:
    version = reviews.current()
    assert version is not None
    spec = {"task": "TextClassification", "training": {"strategy": asked}}
    changed = replace(version, spec=spec, result=version.result.model_copy(update={"strategy": kept}))
    assert results.kept_by_auto(changed).startswith(said)
    assert bool(results.kept_by_auto(changed)) == bool(said)
