"""The example notebook: it runs from an empty folder, and what is committed is what it gives.

To write its outputs anew: jupyter execute --inplace examples/notebook/transfer_learning.ipynb
"""

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "examples/notebook/transfer_learning.ipynb"
LARGEST_BYTES = 100_000
LEAST_ACCURACY = 0.6
LEAST_LEAD = 0.3
"""Over the same drawings without a network."""


def value_of(book: Any, source: str) -> str:
    """Return the text of the result of the cell whose last line is this."""
    (cell,) = [cell for cell in book.cells if cell.source.splitlines()[-1] == source]
    (result,) = [output for output in cell.outputs if output.output_type == "execute_result"]
    return str(result.data["text/plain"])


def figures(book: Any) -> tuple[float, float, str]:
    """Return the accuracy, that without a network, and the sentence about the predictions."""
    return (
        float(value_of(book, "result.accuracy")),
        float(value_of(book, 'LogisticRegression(max_iter=1000).fit(*pixels("train")).score(*pixels("test"))')),
        value_of(book, 'f"{sum(right)} of {len(right)} right: {sum(right) / len(right):.4f}"'),
    )


def check(book: Any) -> None:
    """Assert that transfer is worth it, and that what was predicted is what was measured."""
    accuracy, without, predicted = figures(book)
    assert accuracy >= LEAST_ACCURACY
    assert accuracy - without >= LEAST_LEAD
    assert predicted == f"'{round(accuracy * 846)} of 846 right: {accuracy:.4f}'"
    assert value_of(book, 'answer["label"], round(answer["probability"], 3)').startswith("('7', ")


def test_what_is_committed_is_executed_small_and_of_no_machine() -> None:
    text = NOTEBOOK.read_text()
    book = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(book)
    assert len(text) <= LARGEST_BYTES
    numbers = [cell.execution_count for cell in book.cells if cell.cell_type == "code"]
    assert numbers == list(range(1, len(numbers) + 1))
    outputs = json.dumps([cell.get("outputs", []) for cell in book.cells])
    for trace in ("/home/", "/root/", "/tmp/", "/Users/", "/work/", "/dev/shm", str(Path.home()), "Traceback"):
        assert trace not in outputs, trace
    check(book)


def test_it_runs_from_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRANSFERMODEL_WORKSPACE", raising=False)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "jupyter"))
    work = tmp_path / "work"
    work.mkdir()
    book = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(book, timeout=800, kernel_name="python3", resources={"metadata": {"path": str(work)}}).execute()
    check(book)
    shown = json.dumps([cell.get("outputs", []) for cell in book.cells])
    assert "digits: v1 trained in" in shown
    assert "digits: nothing changed; v1 is there" in shown
    assert (work / ".transfermodel/models/default/digits/versions/v1/report.html").is_file()
