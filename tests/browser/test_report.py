"""The report as people see it: it renders, asks nobody for anything, and can be read everywhere and by everyone."""

import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect
from transfermodel_operator.api import RunResult

from tests.browser.conftest import Open
from tests.support.reports import report_of

SCHEMES = ["light", "dark"]


def axe(page: Page) -> list[str]:
    """Return what axe-core finds wrong, one line per rule and element."""
    found: dict[str, Any] = Axe().run(page).response
    return [f"{rule['id']}: {node['html'][:120]}" for rule in found["violations"] for node in rule["nodes"]]


def open_details(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(element => { element.open = true })")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_renders_without_a_word_and_without_a_request(report: Path, open_page: Open, scheme: str) -> None:
    opened = open_page(report, color_scheme=scheme)
    page = opened.page
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.get_by_role("heading", level=2).count() == 9
    pictures = page.evaluate("[...document.images].map(image => [image.complete, image.naturalWidth])")
    assert pictures or page.locator("blockquote").count()
    assert all(complete and width > 0 for complete, width in pictures)
    for chart in page.get_by_role("img").and_(page.locator("svg")).all():
        box = chart.bounding_box()
        assert box is not None
        assert box["height"] > 100
    open_details(page)
    page.mouse.wheel(0, 20_000)
    assert opened.messages == []
    assert opened.requests == []


def test_the_policy_stops_whatever_gets_in(digits: RunResult, open_page: Open, tmp_path: Path) -> None:
    text = report_of(digits).read_text()
    bad = tmp_path / "report.html"
    bad.write_text(
        text.replace(
            "<main",
            '<script>document.title = "taken over"</script><img src="http://127.0.0.1:9/picture.png" alt="">'
            '<img src="data:," alt="" onerror="document.title = 1"><p id="styled" style="position: fixed">x</p><main',
        )
    )
    opened = open_page(bad)
    assert opened.page.title() == "tests/digits: report"
    assert opened.requests == []
    assert opened.page.evaluate("getComputedStyle(document.getElementById('styled')).position") == "static"
    assert any("Content Security Policy" in message for message in opened.messages)


def test_light_and_dark_differ_in_page_and_charts(digits: RunResult, open_page: Open) -> None:
    colours = []
    for scheme in SCHEMES:
        page = open_page(report_of(digits), color_scheme=scheme).page
        colours.append(
            page.evaluate(
                """() => {
                    const style = selector => getComputedStyle(document.querySelector(selector))
                    return [style('body').backgroundColor, style('body').color, style('.series-0 .line').stroke,
                            style('.series-1 .line').stroke, style('svg text').fill, style('td.right').backgroundColor]
                }"""
            )
        )
    assert all(light != dark for light, dark in zip(*colours, strict=True)), colours


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_the_page_itself_never_scrolls_sideways(report: Path, open_page: Open, width: int) -> None:
    page = open_page(report, width=width).page
    open_details(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Nothing is cut off either: what is too wide lies in a region that scrolls by itself.
    outside = page.evaluate(
        """width => [...document.querySelectorAll('body *')]
            .filter(element => !element.closest('.region') && !element.closest('.skip'))
            .filter(element => element.getBoundingClientRect().right > width + 0.5)
            .map(element => element.outerHTML.slice(0, 80))""",
        width,
    )
    assert outside == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing(report: Path, open_page: Open, scheme: str, width: int) -> None:
    page = open_page(report, width=width, color_scheme=scheme).page
    open_details(page)
    assert axe(page) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_all_text_has_enough_contrast_on_what_is_painted_behind_it(
    digits: RunResult, pair: Path, open_page: Open, scheme: str
) -> None:
    # axe leaves undecided what lies on blended colours and in drawings: here both are painted and read back.
    for path in (report_of(digits), pair):
        page = open_page(path, color_scheme=scheme).page
        open_details(page)
        low = page.evaluate(CONTRAST)
        assert low == []


CONTRAST = """() => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true})
    const rgba = colour => {
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1)
        return [...canvas.getImageData(0, 0, 1, 1).data]
    }
    const luminance = colour => {
        const [r, g, b] = colour.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const behind = element => {
        for (let at = element; at; at = at.parentElement) {
            const colour = rgba(getComputedStyle(at).backgroundColor)
            if (colour[3] === 255) return colour
        }
        return [255, 255, 255, 255]
    }
    const ratio = (a, b) => {
        const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x)
        return (high + 0.05) / (low + 0.05)
    }
    const found = []
    for (const element of document.querySelectorAll('body *')) {
        const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())
        if (!own || !element.getClientRects().length || element.closest('title, desc')) continue
        const style = getComputedStyle(element)
        const colour = rgba(element.closest('svg') ? style.fill : style.color)
        const value = ratio(colour, behind(element))
        if (value < 4.5) found.push([element.outerHTML.slice(0, 80), value])
    }
    // Lines and bars, which mean something: 3 to 1 (WCAG 1.4.11).
    for (const element of document.querySelectorAll('.line, .marker, .whisker, .axis, .diagonal, rect.bar, .gap')) {
        const value = ratio(rgba(getComputedStyle(element).stroke), behind(element))
        if (value < 3) found.push([element.outerHTML.slice(0, 80), value])
    }
    for (const element of document.querySelectorAll('.fill-0, .fill-1, .fill-2, .count')) {
        const value = ratio(rgba(getComputedStyle(element).fill), behind(element))
        if (value < 3) found.push([element.outerHTML.slice(0, 80), value])
    }
    return found
}"""


def test_a_keyboard_reaches_everything(digits: RunResult, open_page: Open) -> None:
    page = open_page(report_of(digits), width=360).page
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    expected = page.evaluate(
        "document.querySelectorAll('main a, main summary, main [tabindex=\"0\"]').length"
        " - document.querySelectorAll('details:not([open]) [tabindex=\"0\"]').length"
    )
    seen = []
    for _ in range(expected):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                """() => {
                    const style = getComputedStyle(document.activeElement)
                    return [!!document.activeElement.closest('main'), style.outlineStyle, style.outlineWidth]
                }"""
            )
        )
    assert seen == [[True, "solid", "3px"]] * expected
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Back to the top")).to_be_focused()


def test_a_keyboard_scrolls_the_matrix_and_opens_a_table(digits: RunResult, open_page: Open) -> None:
    page = open_page(report_of(digits), width=360).page
    matrix = page.get_by_role("region", name=re.compile("Confusion matrix"))
    matrix.focus()
    assert matrix.evaluate("element => element.scrollWidth > element.clientWidth")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("element => element.scrollLeft > 0", arg=matrix.element_handle())
    summary = page.locator("#learning summary").first
    summary.focus()
    table = page.locator("#learning table").first
    expect(table).to_be_hidden()
    page.keyboard.press("Enter")
    expect(table).to_be_visible()


def test_the_navigation_leads_to_each_section(digits: RunResult, open_page: Open) -> None:
    page = open_page(report_of(digits)).page
    for link in page.get_by_role("navigation", name="Sections").get_by_role("link").all():
        link.click()
        target = page.locator(link.get_attribute("href") or "")
        expect(target.get_by_role("heading", level=2)).to_be_in_viewport()


def test_a_screen_reader_hears_charts_and_tables_by_name(digits: RunResult, open_page: Open) -> None:
    page = open_page(report_of(digits)).page
    for name in ("Loss by epoch", "Validation accuracy by epoch", "Reliability diagram"):
        chart = page.get_by_role("img", name=re.compile(f"^{name}"))
        expect(chart).to_have_count(1)
    for section in ("Summary", "Data", "Learning", "Confusion", "Classes", "Reliability", "Mistakes"):
        expect(page.get_by_role("region", name=section, exact=True)).to_have_count(1)
    matrix = page.get_by_role("region", name=re.compile("Confusion matrix")).get_by_role("table")
    expect(matrix.get_by_role("columnheader")).to_have_count(10)
    expect(matrix.get_by_role("rowheader")).to_have_count(10)


def test_print_shows_everything_in_dark_ink(digits: RunResult, open_page: Open) -> None:
    page = open_page(report_of(digits), color_scheme="dark").page
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation", name="Sections")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    table = page.locator("#learning details table").first
    box = table.bounding_box()
    assert box is not None
    assert box["height"] > 50, "a closed table of figures is printed, too"


def test_recordings_can_be_heard(recordings: Path, open_page: Open) -> None:
    page = open_page(recordings).page
    seconds = page.evaluate(
        """async () => {
        const sounds = [...document.querySelectorAll('audio')];
        return await Promise.all(sounds.map(sound => new Promise((resolve, reject) => {
            sound.onloadedmetadata = () => resolve(sound.duration);
            sound.onerror = () => reject(sound.error.message);
            sound.preload = 'metadata';
            sound.load();
        })));
    }"""
    )
    assert len(seconds) == page.locator("#mistakes li").count() > 3
    assert seconds == pytest.approx([0.3] * len(seconds), abs=0.01)
