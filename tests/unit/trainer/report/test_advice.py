"""What would change the result: said when the figures show it, and not otherwise."""

from dataclasses import replace

import pytest
import torch
from transfermodel_trainer.evaluation.metrics import measure
from transfermodel_trainer.evaluation.reliability import reliability
from transfermodel_trainer.evaluation.summary import CurvePoint, Evaluated
from transfermodel_trainer.publishing.record import RunRecord
from transfermodel_trainer.publishing.report import advice
from transfermodel_trainer.publishing.report.calibration import verdict
from transfermodel_trainer.training.finetuning import Epoch

from tests.support.report_records import images, record

LABELS = ("cat", "dog")


def said(made: RunRecord) -> str:
    text = " ".join(f"{finding.seen} {finding.remedy}" for finding in advice.view(made).findings)
    return text.replace("\xa0", " ")


def judged(truth: list[int], predicted: list[int], *, sure: float = 0.99) -> RunRecord:
    """Return a record of these answers, each as sure as told, and with nothing else to say."""
    classes = torch.tensor(truth)
    probabilities = torch.full((len(truth), 2), 1 - sure)
    probabilities[torch.arange(len(truth)), torch.tensor(predicted)] = sure
    logits = probabilities.log()
    evaluated = Evaluated("test", images(classes, 8), logits, measure(logits, classes, LABELS))
    made = record(LABELS)
    learned = replace(made.learned, headline=evaluated, splits=(evaluated,), history=(), samples_curve=())
    return replace(made, learned=learned)


GOOD = judged([0, 1] * 200, [0, 1] * 200)


def with_curve(*accuracies: float) -> RunRecord:
    curve = tuple(CurvePoint(2**power, value, value, value) for power, value in enumerate(accuracies))
    return replace(GOOD, learned=replace(GOOD.learned, samples_curve=curve))


def test_a_good_model_needs_nothing() -> None:
    assert said(GOOD) == ""
    assert advice.view(GOOD).curve is None


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [
        ((0.5, 0.8, 0.9), "From 2 to 4 samples per class accuracy went from 80.0 % to 90.0 %. More images are likely"),
        ((0.5, 0.899, 0.9), "More images of the same kind would change little"),
        ((0.5, 0.95, 0.9), "More images of the same kind would change little"),
    ],
)
def test_samples(accuracies: tuple[float, ...], expected: str) -> None:
    assert expected in said(with_curve(*accuracies))


def test_confused_classes() -> None:
    text = said(judged([0] * 100 + [1] * 100, [0] * 97 + [1] * 103))
    assert "3 of 3 mistakes took “cat” for “dog”." in text
    assert "mistake" not in said(judged([0] * 100 + [1] * 100, [0] * 99 + [1] * 101)), "a single one is no pattern"


def test_imbalance() -> None:
    train = images(torch.tensor([0] * 30 + [1] * 10), 8)
    assert "“cat” has 30 training images, “dog” only 10." in said(replace(GOOD, split=replace(GOOD.split, train=train)))
    train = images(torch.tensor([0] * 29 + [1] * 10), 8)
    assert said(replace(GOOD, split=replace(GOOD.split, train=train))) == ""


def test_overfitting() -> None:
    losses = (0.9, 0.4, 0.5)
    history = tuple(Epoch(0.1, 1e-3, 0.9, loss) for loss in losses)
    text = said(replace(GOOD, learned=replace(GOOD.learned, history=history)))
    assert "Validation loss was lowest after epoch 2 (0.400) and rose to 0.500 at the end." in text
    falling = tuple(Epoch(0.1, 1e-3, 0.9, loss) for loss in (0.9, 0.5, 0.4))
    assert said(replace(GOOD, learned=replace(GOOD.learned, history=falling))) == ""


def test_calibration() -> None:
    shy = judged([0, 1] * 200, [0, 1] * 200, sure=0.7)
    assert "70.0 % sure and right in 100.0 % of the cases: it is not sure enough, by 30.0 points." in said(shy)
    bold = judged([0, 1] * 200, [0, 1, 0, 1, 0, 1, 0, 1, 1, 1] * 40)
    assert "it is too sure, by 9.0 points" in said(bold)


def test_errors_that_cancel_out_are_no_good_calibration() -> None:
    probabilities = torch.tensor([[0.9, 0.1]] * 10 + [[0.6, 0.4]] * 10)
    # Right 7 of 10 times at 90 %, and 8 of 10 times at 60 %: 75 % on average, as it says.
    truth = torch.tensor([0] * 7 + [1] * 3 + [0] * 8 + [1] * 2)
    text = verdict(reliability(probabilities, truth)).replace("\xa0", " ")
    assert text.startswith("On average it was 75.0 % sure and right in 75.0 % of the cases, but")
    assert "20.0 points" in text


def test_judging() -> None:
    few = judged([0, 1] * 10, [0, 1] * 10)
    assert "20 images leave the accuracy uncertain by 8.1 points up and down." in said(few)
    held_out = replace(GOOD.learned.headline, split="validation")
    assert "There was no test set" in said(
        replace(GOOD, learned=replace(GOOD.learned, headline=held_out, splits=(held_out,)))
    )


def test_no_better_than_guessing() -> None:
    text = said(judged([0] * 90 + [1] * 10, [0] * 91 + [1] * 9))
    assert "guessing" not in text
    text = said(judged([0] * 90 + [1] * 10, [0] * 100))
    assert "not surely better than always guessing the most frequent class (90.0 %)" in text
