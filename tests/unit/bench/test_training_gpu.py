"""The program for a GPU, as far as a machine without one can tell."""

import pytest
import torch
from transfermodel_trainer.training.device import Device

from tests.bench.training import gpu
from tests.bench.training.material import Material
from tests.bench.training.turns import Effort, Outcome

pytestmark = pytest.mark.unit


def entry(rate: float, accuracy: float, peak: int) -> gpu.Entry:
    return gpu.Entry(Outcome(accuracy, 1.0, 1.0, facts={"samples_per_second": rate}), peak)


def test_without_cuda_it_says_so_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("sys.argv", ["gpu"])
    assert gpu.main() == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"{gpu.NO_CUDA}\n"


def test_the_table_holds_rates_and_their_ratio() -> None:
    lines = gpu.table(
        {
            "T0, fine-tuning": [entry(90, 0.80, 5_000_000), entry(110, 0.82, 6_000_000), entry(100, 0.81, 4_000_000)],
            gpu.OURS: [entry(400, 0.9, 90_000_000)],
        }
    ).splitlines()
    assert lines[2] == "| T0, fine-tuning | 100 | 90 to 110 | 4.0 (wanted >= 3) | 6 MB | 0.810 | 3 |"
    assert lines[3] == "| FineTuning, everything | 400 | 400 to 400 |  | 90 MB | 0.900 | 1 |"


def test_both_sides_take_turns_and_the_first_round_is_not_counted(tiny: Material, device: Device) -> None:
    measured = gpu.measure(tiny, device, Effort(tutorial_epochs=1), batch=8, seeds=1)
    assert [len(turns) for turns in measured.values()] == [1, 1, 1]
    assert all(turns[0].outcome.facts["samples_per_second"] > 0 for turns in measured.values())


def test_the_tutorial_computes_with_the_defaults_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    with gpu.its_own_settings(ours_is=False):
        assert torch.backends.cudnn.deterministic is False
    assert torch.backends.cudnn.deterministic is True
    with gpu.its_own_settings(ours_is=True):
        assert torch.backends.cudnn.deterministic is True
