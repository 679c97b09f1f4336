"""Real Chromium, and reports of real runs to look at in it."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright
from transfermodel_operator.api import RunResult
from transfermodel_trainer.publishing.report import write_report

from tests.support import reports
from tests.support.absent import absent
from tests.support.report_records import as_recordings, as_texts, record

REPOSITORY = Path(__file__).resolve().parents[2]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything below this folder."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser; without one the tests are skipped, but under CI=true they fail."""
    found = subprocess.run(
        [REPOSITORY / "scripts" / "browser"], capture_output=True, text=True, check=True, timeout=600
    )
    path = found.stdout.strip()
    if not path:
        absent(found.stderr.strip())
    with sync_playwright() as playwright:
        # The sandbox needs what containers do not give; the pages are our own and load nothing.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Opened:
    """A page and what it did."""

    page: Page
    messages: list[str] = field(default_factory=list)
    """Of the console, and errors that nobody caught."""
    requests: list[str] = field(default_factory=list)
    """Whatever it asked for beside itself."""


Open = Callable[..., Opened]


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Open]:
    """Open a file; options are those of a browser context, such as color_scheme."""
    contexts = []

    def opened(path: Path, *, width: int = 1280, **options: Any) -> Opened:
        context = chromium.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        result = Opened(context.new_page())

        def watch(route: Route) -> None:
            if route.request.url == path.as_uri():
                route.continue_()
            else:
                result.requests.append(route.request.url)
                route.abort()

        context.route("**/*", watch)
        result.page.on("console", lambda message: result.messages.append(f"{message.type}: {message.text}"))
        result.page.on("pageerror", lambda error: result.messages.append(str(error)))
        result.page.goto(path.as_uri())
        return result

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def digits(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """Fine-tuned on handwritten digits; without a browser nothing is trained."""
    return reports.fine_tuned_digits(tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory, digits: RunResult) -> Path:
    """The report of features of that model, for two of the digits."""
    return reports.report_of(reports.extracted_digits(tmp_path_factory.mktemp("pair"), digits))


@pytest.fixture(scope="session")
def photographs(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of features of photographs."""
    if not reports.PHOTOGRAPHS.is_dir():
        pytest.skip(f"the photographs are not there: {reports.PHOTOGRAPHS}")
    return reports.report_of(reports.photographs(tmp_path_factory.mktemp("photographs")))


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with a thousand classes of long names."""
    labels = tuple(f"{number:04} " + "a-long-name-without-a-break" * 3 for number in range(1000))
    path = tmp_path_factory.mktemp("many") / "report.html"
    path.write_bytes(write_report(record(labels, size=32, accuracy=0.4, epochs=300, warnings=("x" * 500,))))
    return path


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of texts, short and long ones."""
    sentences = ["A short one.", "A long one, " * 90, "x" * 400, "<b>no markup</b>"] * 10
    made = as_texts(record(("bad", "good"), per_class=20, accuracy=0.6), sentences)
    path = tmp_path_factory.mktemp("texts") / "report.html"
    path.write_bytes(write_report(made))
    return path


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of recordings, which can be heard."""
    path = tmp_path_factory.mktemp("recordings") / "report.html"
    path.write_bytes(write_report(as_recordings(record(("one", "two", "three"), per_class=8, accuracy=0.5))))
    return path


@pytest.fixture(params=["digits", "pair", "photographs", "many", "texts", "recordings"])
def report(request: pytest.FixtureRequest) -> Path:
    """Each of them."""
    value = request.getfixturevalue(request.param)
    return value if isinstance(value, Path) else reports.report_of(value)
