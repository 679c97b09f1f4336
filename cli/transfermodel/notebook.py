"""How a run shows in a notebook, and where there is none."""

import html
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from transfermodel.phases import PHASES, counted

if TYPE_CHECKING:
    from transfermodel_operator.api import RunProgress

    from transfermodel.local.training import Trained


class QuietView:
    """Shows nothing; what the others have in common."""

    def __init__(self, name: str) -> None:
        """Take the TransferModel's name."""
        self.name = name

    def on_progress(self, progress: "RunProgress") -> None:
        """Hear how far the run is."""

    def on_line(self, line: str) -> None:
        """Hear what the trainer says."""

    def done(self, trained: "Trained") -> None:
        """Hear what the run came to."""

    def __enter__(self) -> Self:
        """Begin to show."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Show no more."""


class LineView(QuietView):
    """Lines on stderr: what the trainer says to people."""

    def on_line(self, line: str) -> None:
        """Print it."""
        print(f"{self.name}: {line}", file=sys.stderr, flush=True)

    def done(self, trained: "Trained") -> None:
        """Print it."""
        print(f"{self.name}: {conclusion(trained)}", file=sys.stderr, flush=True)


class NotebookView(QuietView):
    """One output of a notebook's cell: a bar while it runs, then a sentence."""

    def __init__(self, name: str) -> None:
        """Take the TransferModel's name."""
        super().__init__(name)
        self._handle: Any = None
        self._over = False

    def __enter__(self) -> Self:
        """Show an empty bar."""
        self._show(bar(0, f"{self.name}: starting"))
        return self

    def on_progress(self, progress: "RunProgress") -> None:
        """Move the bar."""
        self._show(bar(progress.percent, f"{self.name}: {described(progress)}"))

    def done(self, trained: "Trained") -> None:
        """Put a sentence in place of the bar."""
        self._over = True
        self._show(f"<div>{html.escape(f'{self.name}: {conclusion(trained)}')}</div>")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Take away the bar of a run that did not come to an end: the error says the rest."""
        if not self._over:
            how = "interrupted; the next run goes on from here" if kind is KeyboardInterrupt else "not trained"
            self._show(f"<div>{html.escape(f'{self.name}: {how}')}</div>")

    def _show(self, markup: str) -> None:
        from IPython.display import HTML, display

        if self._handle is None:
            self._handle = display(HTML(markup), display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(HTML(markup))  # type: ignore[no-untyped-call]


def progress_view(name: str, *, quiet: bool) -> QuietView:
    """Return what shows a run here."""
    if quiet:
        return QuietView(name)
    return NotebookView(name) if in_notebook() else LineView(name)


def in_notebook() -> bool:
    """Tell whether a notebook's kernel runs this; IPython is not imported for it."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and getattr(shell, "kernel", None) is not None


def bar(percent: int, text: str) -> str:
    """Return a progress bar as HTML, in the notebook's own colours."""
    label = html.escape(text)
    return (
        f'<div style="display:flex;gap:.75em;align-items:center"><progress max="100" value="{percent}" '
        f'aria-label="{label}"></progress><span>{percent} %</span><span>{label}</span></div>'
    )


def described(progress: "RunProgress") -> str:
    """Return what is known of a run that goes on."""
    parts = [PHASES[progress.phase]]
    if progress.epochs:
        parts.append(f"{counted(progress.phase)} {progress.epoch}/{progress.epochs}")
    if progress.loss is not None:
        parts.append(f"loss {progress.loss}")
    if progress.accuracy is not None:
        parts.append(f"accuracy {progress.accuracy}")
    if progress.eta_seconds is not None:
        parts.append(f"about {progress.eta_seconds} s to go")
    return ", ".join(parts)


def conclusion(trained: "Trained") -> str:
    """Return what a run came to."""
    result = trained.version.result
    measured = f"accuracy {result.metrics['accuracy']} on {result.metrics_split}"
    if trained.unchanged:
        return f"nothing changed; {trained.version.name} is there: {measured}"
    how = "resumed and trained" if trained.resumed else "trained"
    return f"{trained.version.name} {how} in {result.seconds['total']:.0f} s on {result.device}: {measured}"
