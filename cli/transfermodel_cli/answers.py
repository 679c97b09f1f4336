"""Predictions for people: a table with bars, how far a long list is, and what became of samples without an answer."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from transfermodel_cli.console import notes, out, percent, shown, write

if TYPE_CHECKING:
    from transfermodel.predictions.inputs import Failure
    from transfermodel.predictions.types import Prediction

BAR_WIDTH = 20
LONGEST_TEXT = 60
ROWS_BESIDE_A_FILE = 20
"""Of answers that are also in a CSV file, as many are shown as fit a screen."""


class Counting:
    """Says how many samples are answered while it takes long; nothing on a pipe but that a model is being woken."""

    def __init__(self, total: int) -> None:
        """Take the number of samples."""
        from rich.status import Status

        self.total = total
        self.done = 0
        self.waking = False
        self._status = Status(self._text(), console=notes()) if notes().is_terminal else None

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Take it away."""
        if self._status is not None:
            self._status.stop()

    def add(self, count: int) -> None:
        """Count answered samples."""
        self.done += count
        self.waking = False
        self._update()

    def wake(self) -> None:
        """Say why nothing has come yet."""
        self.waking = True
        self._update()
        if self._status is None:
            notes().print("Waking the model: it may have been scaled to zero, and a pod has to start…")

    def _update(self) -> None:
        if self._status is not None:
            self._status.update(self._text())

    def _text(self) -> str:
        if self.waking:
            return "waking the model: it may have been scaled to zero, and a pod has to start…"
        return f"{self.done} of {self.total} answered"


def show(predictions: "Sequence[Prediction]", out_file: Path | None) -> None:
    """Print one row per answer: file or text, label, probability, and a bar."""
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    few = predictions if out_file is None else predictions[:ROWS_BESIDE_A_FILE]
    if few:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("TEXT" if all(answer.text is not None for answer in few) else "FILE", overflow="fold")
        table.add_column("LABEL", style="bold", overflow="fold")
        table.add_column("PROBABILITY", justify="right", no_wrap=True)
        table.add_column("", no_wrap=True, min_width=BAR_WIDTH)
        for answer in few:
            table.add_row(Text(asked(answer)), Text(answer.label), percent(answer.probability), bar(answer.probability))
        out().print(table)
    if len(few) < len(predictions):
        counts = Counter(answer.label for answer in predictions).most_common(8)
        most = ", ".join(f"{count} {label}" for label, count in counts)
        write(out(), f"… and {len(predictions) - len(few)} more. Most frequent: {escape(most)}.")
    if out_file is not None:
        write(out(), f"Every label's probability is in {escape(shown(out_file))}.")


def asked(answer: "Prediction") -> str:
    """Return what was asked about, in one line."""
    if answer.text is None:
        return answer.file or ""
    line = " ".join(answer.text.split())
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"


def bar(share: float) -> str:
    """Return a bar of up to BAR_WIDTH columns, to an eighth of a column."""
    eighths = round(share * BAR_WIDTH * 8)
    return "█" * (eighths // 8) + ("" if eighths % 8 == 0 else " ▏▎▍▌▋▊▉"[eighths % 8])


def explain(predictions: "Sequence[Prediction]", failures: "Sequence[Failure]", where: str) -> None:
    """Say on stderr who answered, and what has no answer."""
    from rich.markup import escape

    for failure in failures:
        write(notes(), f"[bold red]error:[/] {escape(failure.file)}: {escape(failure.message)}")
    if predictions:
        versions = ", ".join(sorted({answer.model_version for answer in predictions}))
        write(notes(), f"[dim]Answered by {versions}: {escape(where)}.[/]")


def to_wire(
    name: str, where: str, predictions: "Sequence[Prediction]", failures: "Sequence[Failure]"
) -> dict[str, Any]:
    """Return the JSON form."""
    return {
        "name": name,
        "answeredBy": where,
        "predictions": [answer.to_wire() for answer in predictions],
        "failures": [failure.to_wire() for failure in failures],
    }
