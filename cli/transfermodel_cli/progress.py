"""A run while it goes on: a live bar on a terminal, a line now and then where nobody looks."""

import re
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from transfermodel.phases import PHASES, counted

from transfermodel_cli.console import notes, percent, write

if TYPE_CHECKING:
    from rich.console import RenderableType
    from transfermodel_operator.api import RunProgress

BAR_WIDTH = 12
"""Columns that the bar has at least; less important figures give way to it."""


REPEATED = re.compile(r"(Epoch \d+/\d+: |Accuracy |The same inputs were trained before)")
"""What the trainer says and the bar, or the result, says as well."""


class TrainingView:
    """Shows one run on stderr, from when it is entered until it is left."""

    def __init__(self, name: str, heard: set[str]) -> None:
        """Take the TransferModel's name; heard: what was said of others before it, and need not be said again."""
        from rich.live import Live

        self.name = name
        self.heard = heard
        self.progress: RunProgress | None = None
        self._started = time.monotonic()
        self._shown: object = None
        terminal = notes().is_terminal and not notes().is_dumb_terminal
        self._live = Live(get_renderable=self.render, console=notes(), transient=True) if terminal else None

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Take the bar away: what comes next is the result, or what went wrong."""
        if self._live is not None:
            self._live.stop()

    def on_progress(self, progress: "RunProgress") -> None:
        """Show how far the run is."""
        self.progress = progress
        if self._live is not None:
            return
        # A line when the phase, the epoch or every tenth percent changes: logs are read, not watched.
        shown = (progress.phase, progress.epoch, progress.percent // 10)
        if shown != self._shown:
            self._shown = shown
            line = [f"{self.name}:", f"{progress.percent:3d} %", PHASES[progress.phase], *self.figures()]
            notes().print("  ".join(line), markup=False, soft_wrap=True)

    def on_line(self, line: str) -> None:
        """Show what the trainer says, above the bar."""
        from rich.markup import escape

        if not REPEATED.match(line) and line not in self.heard:
            self.heard.add(line)
            write(notes(), escape(line), style="dim")

    def render(self) -> "RenderableType":
        """Return the bar as it looks now: one line, whatever the terminal's width."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        progress = self.progress
        done = progress.percent if progress else 0
        phase = PHASES[progress.phase] if progress else "starting"
        figures = self.figures()
        room = notes().width - len(self.name) - len(phase) - BAR_WIDTH - len("  100 %  ") - 4
        while figures and len("  ".join(figures)) > room:
            figures.pop()
        grid = Table.grid(padding=(0, 1), expand=True)
        for ratio in (None, None, 1, None, None):
            grid.add_column(no_wrap=True, ratio=ratio, overflow="ellipsis")
        grid.add_row(
            Text(self.name, style="bold"),
            phase,
            ProgressBar(total=100, completed=done, pulse=progress is None),
            f"{done:3d} %",
            "  ".join(figures),
        )
        return grid

    def figures(self) -> list[str]:
        """Return what is known, the most important first."""
        progress, known = self.progress, []
        # After the training its figures stand still, and the result will say better ones.
        if progress is not None and progress.phase in ("Training", "Search"):
            known += [f"{counted(progress.phase)} {progress.epoch}/{progress.epochs}"] if progress.epochs else []
            known += [f"about {clock(progress.eta_seconds)} left"] if progress.eta_seconds is not None else []
            known += [f"accuracy {percent(progress.accuracy)}"] if progress.accuracy else []
            known += [f"loss {float(progress.loss):.3g}"] if progress.loss else []
        elif progress is not None and progress.eta_seconds is not None:
            known += [f"about {clock(progress.eta_seconds)} left"]
        return [*known, clock(time.monotonic() - self._started)]


def clock(seconds: float) -> str:
    """Return 1:05 for 65 seconds, 1:01:05 for an hour more."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
