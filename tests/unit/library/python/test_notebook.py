"""How a run shows."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from transfermodel import notebook
from transfermodel.local import Trained
from transfermodel.phases import PHASES
from transfermodel.workspace import LocalModel, LocalVersion
from transfermodel_operator.api import RunProgress

from tests.support.library import run_result

pytestmark = pytest.mark.unit


def trained(*, unchanged: bool = False, resumed: bool = False) -> Trained:
    """Return what a run came to."""
    here = Path("/nowhere")
    version = LocalVersion(1, here, here, datetime(2026, 1, 2, tzinfo=UTC), {}, run_result("file:///x"))
    return Trained(LocalModel("digits", "default", here, here), version, unchanged, resumed)


def test_a_run_is_described_by_what_is_known() -> None:
    assert notebook.described(RunProgress(phase="Data", percent=3)) == "reading the data"
    progress = RunProgress(
        phase="Training", percent=50, epoch=2, epochs=4, eta_seconds=30, loss="0.51", accuracy="0.8125"
    )
    assert notebook.described(progress) == "training, epoch 2/4, loss 0.51, accuracy 0.8125, about 30 s to go"


def test_every_phase_has_words() -> None:
    phases = RunProgress.model_json_schema()["properties"]["phase"]["enum"]
    assert set(PHASES) == set(phases)


def test_the_conclusion_says_what_was_done() -> None:
    assert notebook.conclusion(trained()) == "v1 trained in 12 s on cpu: accuracy 0.9000 on test"
    assert notebook.conclusion(trained(resumed=True)).startswith("v1 resumed and trained")
    assert notebook.conclusion(trained(unchanged=True)).startswith("nothing changed; v1 is there")


def test_the_bar_is_escaped_and_has_a_name() -> None:
    markup = notebook.bar(40, '<b>"digits"')
    assert 'value="40"' in markup
    assert "<b>" not in markup
    assert 'aria-label="&lt;b&gt;&quot;digits&quot;"' in markup


def test_without_a_notebook_lines_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with notebook.progress_view("digits", quiet=False) as view:
        view.on_progress(RunProgress(phase="Data", percent=3))
        view.on_line("Epoch 1/2: loss 0.5")
        view.done(trained())
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "digits: Epoch 1/2: loss 0.5",
        "digits: v1 trained in 12 s on cpu: accuracy 0.9000 on test",
    ]


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with notebook.progress_view("digits", quiet=True) as view:
        view.on_line("Epoch 1/2: loss 0.5")
        view.done(trained())
    assert capsys.readouterr() == ("", "")
