"""Which model is kept, and what is told of a search."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from transfermodel_trainer.search.ledger import Ledger
from transfermodel_trainer.search.shared import Shared
from transfermodel_trainer.search.trials import History, Kept, Trial, failed, most_frequent_cause

HEAD: dict[str, Any] = {"scaling": "spread", "views": "plain"}
MIRRORED = HEAD | {"views": "mirrored"}


def trial(number: int, losses: Tensor | None, accuracy: float = 0.8, parameters: dict[str, Any] = HEAD) -> Trial:
    loss = None if losses is None else float(losses.mean())
    state = "Pruned" if losses is None else "Complete"
    return Trial(number, "ridge", parameters, state, loss, None if losses is None else accuracy)  # type: ignore[arg-type]


def kept(losses: Tensor, accuracy: float = 0.8, parameters: dict[str, Any] = HEAD) -> Kept:
    return Kept(trial(0, losses, accuracy, parameters), losses)


FIRST = torch.linspace(0.1, 0.9, 101)


def test_clearly_better_is_better_by_more_than_a_standard_error() -> None:
    noise = torch.tensor([-1.0, 1.0] * 50 + [0.0])
    error = float((0.1 * noise).std(correction=0)) / 101**0.5
    assert kept(FIRST).gives_way_to(kept(FIRST + 0.1 * noise - 1.1 * error))
    assert not kept(FIRST).gives_way_to(kept(FIRST + 0.1 * noise - 0.9 * error))
    assert not kept(FIRST).gives_way_to(kept(FIRST)), "equals stay"


def test_more_mistakes_are_never_better() -> None:
    assert kept(FIRST).gives_way_to(kept(FIRST - 0.05))
    assert not kept(FIRST).gives_way_to(kept(FIRST - 0.05, accuracy=0.79))


def test_of_equals_the_simpler_is_taken() -> None:
    assert kept(FIRST, parameters=MIRRORED).gives_way_to(kept(FIRST))
    assert not kept(FIRST).gives_way_to(kept(FIRST, parameters=MIRRORED))
    assert not kept(FIRST, parameters=MIRRORED).gives_way_to(kept(FIRST + 1e-3)), "but not at any price"


def fill(ledger: Ledger, shared: Shared, number: int, losses: Tensor | None) -> bool:
    if losses is not None:
        save_file({"losses": losses, "weight": torch.full((3,), float(number))}, shared.model(number))
    return ledger.add(trial(number, losses))


def test_models_are_compared_by_number_and_only_those_of_use_are_kept(tmp_path: Path) -> None:
    losses = [FIRST, FIRST - 0.01, None, FIRST - 0.05, FIRST - 0.02]
    for order in ([0, 1, 2, 3, 4], [0, 3, 4, 2, 1], [4, 3, 2, 1, 0]):
        shared = Shared(tmp_path / "".join(map(str, order)))
        shared.folder.mkdir()
        ledger = Ledger(shared)
        for number in order:
            fill(ledger, shared, number, losses[number])
        assert ledger.best is not None
        assert ledger.best.trial.number == 3
        assert ledger.model()["weight"].tolist() == [3.0] * 3
        assert [path.name for path in shared.folder.iterdir()] == ["trial-3.safetensors"]


def test_it_goes_on_from_what_was_kept(tmp_path: Path) -> None:
    first, second = Shared(tmp_path / "first"), Shared(tmp_path / "second")
    first.folder.mkdir()
    second.folder.mkdir()
    ledger, resumed = Ledger(first), Ledger(second)
    for number, losses in ((0, FIRST), (1, FIRST - 0.1), (3, FIRST - 0.3)):
        fill(ledger, first, number, losses)
    resumed.restore(json.loads(json.dumps(ledger.facts())), ledger.tensors())
    assert resumed.trials() == ledger.trials()
    for each, shared in ((ledger, first), (resumed, second)):
        assert each.best is not None
        assert each.best.trial.number == 1, "3 waits for 2"
        fill(each, shared, 2, None)
        assert each.best.trial.number == 3
    assert torch.equal(resumed.model()["losses"], ledger.model()["losses"])


def test_the_most_frequent_cause() -> None:
    causes = ["it crashed: ValueError: x.", "no memory", "it crashed:  ValueError: x"]
    trials = [failed(trial(number, None), cause) for number, cause in enumerate(causes)]
    assert most_frequent_cause(trials) == ("it crashed: ValueError: x", 2)
    assert len(failed(trial(0, None), "x" * 1000).cause) == 200


def test_the_wire_counts_from_one_and_holds_no_seconds() -> None:
    done = (trial(0, FIRST), trial(1, None), failed(trial(2, None), "no memory"))
    wire = History(done, 0, "the validation set", "all 3 trials were made").to_wire()
    assert wire["best"] == 1
    assert [entry["number"] for entry in wire["trials"]] == [1, 2, 3]
    assert wire["trials"][0]["loss"] == pytest.approx(0.5)
    assert wire["trials"][2]["cause"] == "no memory"
    assert "seconds" not in json.dumps(wire)
    assert History(done, 0, "", "").counts() == "1 complete, 1 pruned, 1 failed"
