"""The structure of the page: what a browser, a keyboard and a screen reader find."""

import base64
import hashlib
import json
import re
from itertools import pairwise
from pathlib import Path

from transfermodel.documents.check import check
from transfermodel.documents.types import Target
from transfermodel_operator.api import RunResult
from transfermodel_trainer.publishing.report import page as pages
from transfermodel_trainer.publishing.report import write_report

from tests.support import reports
from tests.support.pages import Node, parse
from tests.support.report_records import record


def metrics_of(result: RunResult) -> dict[str, object]:
    written: dict[str, object] = json.loads((reports.report_of(result).parent / "metrics.json").read_text())
    return written


def test_all_sections_are_there_and_the_navigation_leads_to_them(page: bytes) -> None:
    tree = parse(page)
    targets = [link.attributes["href"] for link in tree.one("nav").all("a")]
    assert targets == ["#summary", *(f"#{section.identifier}" for section in pages.SECTIONS)]
    sections = tree.one("main").all("section")
    assert [f"#{section.attributes['id']}" for section in sections] == targets
    for section in sections:
        heading = section.one(id=section.attributes["aria-labelledby"])
        assert heading.tag == "h2"
        assert heading.text()


def test_identifiers_are_unique_and_references_lead_somewhere(page: bytes) -> None:
    tree = parse(page)
    found = [node.attributes["id"] for node in tree.all() if "id" in node.attributes]
    assert len(found) == len(set(found))
    for node in tree.all():
        for identifier in node.attributes.get("aria-labelledby", "").split():
            assert identifier in found
        if node.attributes.get("href", "").startswith("#"):
            assert node.attributes["href"][1:] in found


def test_headings_go_down_by_one(page: bytes) -> None:
    levels = [int(node.tag[1]) for node in parse(page).all() if re.fullmatch("h[1-6]", node.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_it_loads_nothing_and_runs_nothing(page: bytes) -> None:
    tree = parse(page)
    assert not [node for node in tree.all() if node.tag in {"script", "iframe", "object", "embed", "form", "base"}]
    for node in tree.all():
        assert not [name for name in node.attributes if name.startswith("on") or name == "style"]
        for name in ("src", "href"):
            assert node.attributes.get(name, "#").startswith(("data:", "#"))
    assert "url(" not in tree.one("style").text()
    assert "@import" not in tree.one("style").text()


def test_the_policy_allows_this_style_and_pictures_inside_the_page(page: bytes) -> None:
    tree = parse(page)
    policy = tree.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
    style = page.decode().partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def test_every_picture_says_what_it_is(page: bytes) -> None:
    tree = parse(page)
    assert tree.all("img")
    for image in tree.all("img"):
        assert image.attributes["alt"]
        assert image.attributes["src"].startswith("data:image/")
    for chart in tree.all("svg"):
        if chart.attributes.get("aria-hidden") == "true":
            continue
        assert chart.attributes["role"] == "img"
        assert chart.one("title").text()
        assert chart.one("desc").text()


def test_every_chart_has_its_figures_as_a_table(page: bytes) -> None:
    figures = parse(page).all("figure", class_="chart-figure")
    assert figures
    for figure in figures:
        table = figure.one("details").one("table")
        assert len(table.one("tbody").all("tr")) > 0
        assert figure.one("figcaption").text()


def test_tables_name_rows_and_columns_and_what_scrolls_takes_the_keyboard(page: bytes) -> None:
    tree = parse(page)
    for table in tree.all("table"):
        columns = table.one("thead").all("th")
        assert all(cell.attributes["scope"] == "col" for cell in columns)
        for row in table.one("tbody").all("tr"):
            assert row.all("th")[0].attributes["scope"] == "row"
    regions = tree.all(class_="region")
    assert sum(len(region.all("table")) + len(region.all("pre")) for region in regions) == len(
        tree.all("table") + tree.all("pre")
    )
    for region in regions:
        assert (region.attributes["role"], region.attributes["tabindex"]) == ("region", "0")
        assert region.attributes["aria-label"]


def test_a_fine_tuned_model_without_a_test_set(fine_tuned: RunResult) -> None:
    tree = parse(reports.report_of(fine_tuned).read_bytes())
    summary = tree.one(id="summary").text()
    assert f"{float(fine_tuned.metrics['accuracy']):.1%}".replace("%", " %") in summary
    assert "Estimated" in summary
    assert "there was no test set" in summary
    learning = tree.one(id="learning")
    assert [chart.one("title").text() for chart in learning.all("svg")] == [
        "Loss by epoch",
        "Validation accuracy by epoch",
        "Learning rate by epoch",
    ]
    data = tree.one(id="data")
    totals = [cell.text() for cell in data.one("tfoot").all("td")]
    assert totals[:2] == [str(fine_tuned.counts.train), str(fine_tuned.counts.validation)]
    assert len(data.all("img")) == 60


def test_extracted_features_with_a_test_set(extracted: RunResult) -> None:
    tree = parse(reports.report_of(extracted).read_bytes())
    summary = tree.one(id="summary").text()
    assert "Measured on 140 images of the test set." in summary
    assert "without epochs" in tree.one(id="learning").text()
    assert not tree.one(id="learning").all("svg")
    making = tree.one(id="making").text()
    assert "fromTransferModel: digits" in making
    assert "It starts from digits v1" in making
    curve = tree.one(id="advice").one("svg", role="img")
    assert curve.one("title").text() == "Accuracy by samples per class"


def test_the_settings_can_be_run_again(page: bytes, tmp_path: Path) -> None:
    making = parse(page).one(id="making")
    settings, commands = (block.one("code") for block in making.all("pre"))
    name = making.all("code")[0].text()
    (tmp_path / name).write_text("".join(node.texts[0] for node in settings.children))
    assert check(tmp_path / name, Target.LOCAL).findings == ()
    assert commands.text() == f"transfermodel run -f {name}"


def test_metrics_hold_every_figure_of_the_page(fine_tuned: RunResult, extracted: RunResult) -> None:
    tuned, probed = metrics_of(fine_tuned), metrics_of(extracted)
    assert isinstance(tuned["history"], list)
    assert [sorted(epoch) for epoch in tuned["history"]] == [
        ["epoch", "learningRate", "loss", "validationAccuracy", "validationLoss"]
    ] * 2
    assert tuned["samplesPerClass"] == {
        "train": {str(digit): count for digit, count in enumerate(_column(fine_tuned, 0))},
        "validation": {str(digit): count for digit, count in enumerate(_column(fine_tuned, 1))},
    }
    assert isinstance(probed["samplesCurve"], list)
    assert probed["samplesCurve"][-1]["samplesPerClass"] == 10
    splits = probed["splits"]
    assert isinstance(splits, dict)
    bins = splits["test"]["reliability"]
    assert sum(entry["count"] for entry in bins) == 140
    error = sum(entry["count"] * abs(entry["confidence"] - entry["accuracy"]) for entry in bins) / 140
    assert abs(error - splits["test"]["calibrationError"]) < 1e-5


def _column(result: RunResult, number: int) -> list[int]:
    table = parse(reports.report_of(result).read_bytes()).one(id="data").one("table", class_="bars")
    return [int(row.all("td")[number].text()) for row in table.one("tbody").all("tr")]


def test_the_matrix_holds_every_judged_image(fine_tuned: RunResult) -> None:
    matrix = parse(reports.report_of(fine_tuned).read_bytes()).one("table", class_="matrix")
    cells = [int(cell.text()) for cell in matrix.one("tbody").all("td")]
    assert sum(cells) == fine_tuned.counts.validation
    right = [int(cell.text()) for cell in matrix.all("td", class_="right")]
    assert sum(right) == round(float(fine_tuned.metrics["accuracy"]) * fine_tuned.counts.validation)


def test_the_mistakes_are_those_of_the_matrix(extracted: RunResult) -> None:
    tree = parse(reports.report_of(extracted).read_bytes())
    wrong = sum(
        int("".join(node.texts[0] for node in cell.children if node.tag == "#text"))
        for cell in tree.one("table", class_="matrix").all("td", class_="wrong")
    )
    assert wrong == 140 - round(float(extracted.metrics["accuracy"]) * 140)
    shown = tree.one(id="mistakes").all("li")
    assert len(shown) == min(24, wrong)
    sure = [int(_said(entry).split()[-2]) for entry in shown]
    assert sure == sorted(sure, reverse=True)
    for entry in shown:
        truth = entry.all("dd")[1].one("b").text()
        assert entry.one("img").attributes["alt"].startswith(f"{truth}/"), "the folder is the truth"
        assert _said(entry).split()[0] != truth


def _said(entry: Node) -> str:
    return entry.all("dd")[0].text()


def test_nothing_tells_one_run_from_an_equal_one(fine_tuned: RunResult) -> None:
    page = reports.report_of(fine_tuned).read_text()
    assert "/models" not in page, "where the output went"
    made = record(("a", "b"))
    assert write_report(made) == write_report(made)
