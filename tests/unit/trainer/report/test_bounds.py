"""However much there is, the page stays small; however little, it still says something."""

import pytest
from transfermodel_trainer.publishing.report import write_report

from tests.support.pages import Node, parse
from tests.support.report_records import record

LIMIT = 2_000_000
"""Bytes."""


def note(section: Node) -> str:
    return " ".join(node.text() for node in section.all(class_="note"))


def test_a_thousand_classes_of_large_noise_with_long_names_and_many_mistakes() -> None:
    labels = tuple(f"{number:04}-" + "w" * 250 for number in range(1000))
    names = [f"{'folder/' * 100}{number}.png" for number in range(2000)]
    warnings = tuple(f"{number} " + "files could not be read " * 50 for number in range(9))
    made = record(labels, size=224, accuracy=0.2, names=names, epochs=1000, warnings=warnings)
    page = write_report(made)
    assert len(page) < LIMIT
    tree = parse(page)
    assert "most mistakes; metrics.json has the whole matrix" in note(tree.one(id="confusion"))
    assert "The weakest 100 of 1000 classes" in note(tree.one(id="classes"))
    assert "60 of 1000 classes" in note(tree.one(id="data"))
    assert len(tree.one(id="mistakes").all("img")) == 24
    assert all(len(figure.one("tbody").all("tr")) <= 50 for figure in tree.one(id="learning").all("figure"))


@pytest.mark.parametrize(("classes", "shown"), [(2, 2), (40, 40), (41, 31), (75, 31)])
def test_the_matrix_stays_readable_and_loses_no_image(classes: int, shown: int) -> None:
    labels = tuple(f"class {number:02}" for number in range(classes))
    made = record(labels, per_class=10, accuracy=0.6)
    matrix = parse(write_report(made)).one("table", class_="matrix")
    rows = matrix.one("tbody").all("tr")
    assert len(rows) == len(matrix.one("thead").all("th")) == shown
    cells = [[cell.children[0].texts[0] for cell in row.all("td")] for row in rows]
    counts = [[0 if text == "·" else int(text) for text in row] for row in cells]
    assert sum(map(sum, counts)) == classes * 10
    if shown == classes:
        assert tuple(map(tuple, counts)) == made.learned.headline.metrics.confusion
    else:
        assert rows[-1].one("th").text() == "all others"
        # Of all others taken for all others nobody can say whether that was right.
        assert rows[-1].all("td")[-1].attributes["class"] == "rest"
        wrong = [sum(row) - row[number] for number, row in enumerate(made.learned.headline.metrics.confusion)]
        assert max(wrong) == max(sum(row) - row[number] for number, row in enumerate(counts[:-1]))


def test_a_flawless_model() -> None:
    tree = parse(write_report(record(("a", "b"), per_class=30, accuracy=1.0)))
    assert tree.one(id="summary").one("strong").text() == "100.0 %"
    assert "Not one of the images" in tree.one(id="confusion").text()
    assert tree.one(id="mistakes").text() == "Mistakes None on 60 images."


def test_a_single_epoch_and_a_single_image_per_class() -> None:
    tree = parse(write_report(record(("a", "b"), per_class=1, accuracy=0.0, epochs=1)))
    assert "in the only epoch" in tree.one(id="learning").text()
    assert [len(figure.one("tbody").all("tr")) for figure in tree.one(id="learning").all("figure")] == [1, 1, 1]


def test_no_epochs() -> None:
    assert not parse(write_report(record(("a", "b"), epochs=0))).one(id="learning").all("figure")


@pytest.mark.parametrize(("classes", "each"), [(2, 6), (10, 6), (25, 2), (60, 1), (61, 1)])
def test_at_most_sixty_training_pictures(classes: int, each: int) -> None:
    data = parse(write_report(record(tuple(f"{n:02}" for n in range(classes)), per_class=7))).one(id="data")
    strips = data.all(class_="strip")
    assert len(strips) == min(classes, 60)
    assert {len(strip.all("img")) for strip in strips} == {each}


def test_the_weakest_classes_come_first() -> None:
    made = record(tuple(f"class {number:03}" for number in range(150)), per_class=8)
    classes = parse(write_report(made)).one(id="classes")
    shown = [(row.one("th").text(), row.all("td")[3].text()) for row in classes.one("tbody").all("tr")]
    by_f1 = sorted(made.learned.headline.metrics.classes, key=lambda entry: entry.f1)
    assert shown == [(entry.label, f"{entry.f1 * 100:.1f} %") for entry in by_f1[:100]]
