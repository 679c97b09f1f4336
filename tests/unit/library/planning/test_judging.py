"""What of an estimate is worth a word, and how amounts are said."""

import pytest
from transfermodel.planning import judging
from transfermodel_operator.api import TransferModelSpec

SPEC = TransferModelSpec.model_validate(
    {
        "task": "ImageClassification",
        "backbone": {"fromTransferModel": "base"},
        "data": {"train": {"uri": "s3://a/b"}},
        "training": {"maxDurationSeconds": 600},
    }
)


def sentences(seconds: float, memory: int) -> list[str]:
    estimate = {"seconds": {"total": seconds}, "memoryBytes": memory}
    return [f"{advice.message} {advice.remedy}" for advice in judging.of_estimate(estimate, SPEC)]


def test_a_run_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "physical_memory", lambda: 8_000_000_000)
    assert sentences(599, 7_000_000_000) == []


def test_a_run_that_takes_too_long() -> None:
    (sentence,) = sentences(3600, 1)
    assert "is estimated to take 60 min, and spec.training.maxDurationSeconds is 600" in sentence
    assert "Set maxDurationSeconds: 5400" in sentence


def test_a_run_that_needs_too_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "physical_memory", lambda: 8_000_000_000)
    (sentence,) = sentences(1, 7_900_000_000)
    assert "needs about 7.9 GB of memory, and this machine has 8.0 GB" in sentence


def test_this_machine_has_memory() -> None:
    assert (judging.physical_memory() or 0) > 1_000_000_000


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (59.6, "60 s"), (600, "10 min"), (5399, "90 min"), (7200, "2.0 h")]
)
def test_durations(seconds: float, text: str) -> None:
    assert judging.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(12, "12 B"), (1_500, "1.5 kB"), (44_700_000, "45 MB"), (1_200_000_000, "1.2 GB")]
)
def test_sizes(count: int, text: str) -> None:
    assert judging.size(count) == text
