"""What the report, metrics.json and the card tell of a search."""

from dataclasses import replace

import pytest
from transfermodel_trainer.publishing.artifact import metrics
from transfermodel_trainer.publishing.card import write_card
from transfermodel_trainer.publishing.record import RunRecord
from transfermodel_trainer.publishing.report import write_report
from transfermodel_trainer.publishing.report.settings import document
from transfermodel_trainer.search.importance import importance
from transfermodel_trainer.search.space import Parameters
from transfermodel_trainer.search.trials import History, State, Trial

from tests.support.pages import parse
from tests.support.report_records import record, request

LIMIT = 2_000_000


def trial(number: int, rate: float, smoothing: float = 0.1, batch: int = 32, state: State = "Complete") -> Trial:
    """Return one whose loss depends on how far the rate is from 0.01, and a little on smoothing."""
    loss = 0.3 + abs(rate - 0.01) * 20 + 0.01 * smoothing
    parameters: Parameters = {"learningRate": rate, "labelSmoothing": smoothing, "batchSize": batch, "unfreeze": "All"}
    known = state == "Complete"
    return Trial(
        number,
        "fineTuning",
        parameters,
        state,
        loss if known else None,
        0.9 - loss / 10 if known else None,
    )


def searched(count: int) -> RunRecord:
    """Return a record of so many trials, every ninth of them pruned."""
    trials = tuple(
        trial(
            number,
            0.001 * (1 + number % 23),
            (number % 7) / 40,
            (8, 16, 32)[number % 3],
            "Pruned" if number % 9 == 8 else "Complete",
        )
        for number in range(count)
    )
    best = min((each for each in trials if each.loss is not None), key=lambda each: each.loss or 0.0)
    made = record(("cat", "dog"))
    history = History(trials, best.number, "the validation set", f"all {count} trials were made")
    notes = made.learned.notes | {"search": "as told"}
    return replace(made, learned=replace(made.learned, search=history, notes=notes))


def test_the_trials_and_what_mattered_are_drawn_and_told() -> None:
    made = searched(30)
    figures = parse(write_report(made)).one(id="learning").all("figure")
    pictures = {figure.one("svg").one("title").text(): figure for figure in figures}
    scores, settings = pictures["Cross entropy by trial"], pictures["Trials by the settings that matter most"]
    assert "Trial 10 of 30 is published: cross entropy 0.300 on the validation set" in scores.text()
    assert "The usual settings came to 0.48" in scores.text()
    assert len(scores.one("svg").all("circle")) == 27 + 1, "a point for each that was judged, and one in the legend"
    assert len(scores.one("tbody").all("tr")) == 30
    assert "pruned" in scores.one("table").text()
    assert "learningRate (left to right)" in settings.text()
    first = settings.one("tbody").all("tr")[0]
    assert first.one("th").text() == "learningRate"
    for label in ("best third", "middle third", "worst third"):
        assert label in settings.one("svg").text()


@pytest.mark.parametrize("count", [1, 2, 7, 1000])
def test_however_many_trials_the_page_stays_small(count: int) -> None:
    page = write_report(searched(count))
    assert len(page) < LIMIT
    learning = parse(page).one(id="learning")
    assert all(len(figure.one("tbody").all("tr")) <= 50 for figure in learning.all("figure"))
    told = "metrics.json has all" in " ".join(node.text() for node in learning.all(class_="note"))
    assert told == (count == 1000)


def test_metrics_and_card_hold_the_history() -> None:
    made = searched(12)
    wire = metrics(made)["search"]
    assert wire["best"] == 10
    assert [entry["number"] for entry in wire["trials"]] == list(range(1, 13))
    assert wire["trials"][8]["state"] == "Pruned"
    assert "loss" not in wire["trials"][8]
    assert b"- search: as told" in write_card(made)
    assert "search" not in metrics(record(("cat", "dog")))


def test_what_lies_in_the_middle_matters_as_much_as_what_rises() -> None:
    shares = importance([trial(number, 0.001 * (1 + 19 * number % 20), (number % 7) / 40) for number in range(20)])
    assert next(iter(shares)) == "learningRate"
    assert shares["learningRate"] > 0.5 > shares["labelSmoothing"]
    assert "unfreeze" not in shares, "it was always the same"
    assert importance([trial(number, 0.01) for number in range(5)]) == {}


def test_the_settings_that_would_make_it_again() -> None:
    training = {
        "strategy": "Auto",
        "fineTuning": {"unfreeze": "All", "epochs": 5},
        "fixed": ["epochs"],
        "search": {"trials": 20, "maxParallel": 2},
    }
    told = document(request(training=training))["spec"]["training"]
    assert told == {"strategy": "Auto", "seed": 0, "fineTuning": {"epochs": 5}, "search": {"trials": 20}}
    many = training | {"search": {"trials": 20, "maxParallel": 8}}
    assert document(request(training=many))["spec"]["training"]["search"] == {"trials": 20, "maxParallel": 8}
