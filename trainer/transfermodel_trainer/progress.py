"""What the run says on stdout: lines for people, and one JSON line per step of progress."""

import json
import sys
import threading
import time
from typing import Literal

from transfermodel_operator.api import RunProgress

Phase = Literal["Data", "Backbone", "Features", "Training", "Search", "Evaluation", "Publishing"]

HEARTBEAT_SECONDS = 2.0
MINIMUM_GAP_SECONDS = 0.5

# Where each phase begins and ends, in percent of the whole run.
SPANS: dict[Phase, tuple[int, int]] = {
    "Data": (0, 12),
    "Backbone": (12, 15),
    "Features": (15, 80),
    "Training": (80, 85),
    "Search": (25, 85),
    "Evaluation": (85, 92),
    "Publishing": (92, 100),
}
FINE_TUNING_SPANS: dict[Phase, tuple[int, int]] = SPANS | {"Features": (15, 25), "Training": (25, 85)}
MAIN: tuple[Phase, ...] = ("Features", "Training", "Search")
TAIL_FRACTION = 0.1  # of the main phase's time: what evaluation and publishing are expected to take


class Progress:
    """Keeps the state of the run and prints it: at every step (not more than twice a second) and every two seconds."""

    def __init__(self, *, fine_tuning: bool = False, quiet: bool = False) -> None:
        """Start at the first phase; `quiet` prints nothing (tests, baselines).

        fine_tuning: most of the time goes into training, of one network or of many trials.
        """
        self.quiet = quiet
        self._spans = FINE_TUNING_SPANS if fine_tuning else SPANS
        self.seconds: dict[str, float] = {}
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._phase: Phase = "Data"
        self._phase_started = self._started
        self._fraction = 0.0
        self._part = self._next_part = (0.0, 1.0)
        self._mark: tuple[float, float] | None = None
        self._percent = 0
        self._epoch: int | None = None
        self._epochs: int | None = None
        self._loss: float | None = None
        self._accuracy: float | None = None
        self._printed = 0.0
        self._stop = threading.Event()

    def start(self) -> None:
        """Print every two seconds from now on, also while a long step runs."""
        threading.Thread(target=self._beat, name="progress", daemon=True).start()

    def stop(self) -> None:
        """Print no more heartbeats; close the last phase."""
        self._stop.set()
        self._close_phase()

    def phase(self, phase: Phase, *, epochs: int | None = None) -> None:
        """Enter a phase."""
        with self._lock:
            self._close_phase()
            self._part, self._next_part = self._next_part, (0.0, 1.0)
            self._phase, self._phase_started, self._fraction, self._mark = phase, time.monotonic(), self._part[0], None
            if epochs is not None:
                self._epoch, self._epochs = 0, epochs
        self._print(force=True)

    def next_part(self, begin: float, end: float) -> None:
        """Say that the next phase is only a part of what its name stands for, such as the first half."""
        self._next_part = begin, end

    def step(
        self,
        fraction: float,
        *,
        epoch: int | None = None,
        loss: float | None = None,
        accuracy: float | None = None,
    ) -> None:
        """Say how much of the phase is done; `epoch` counts completed epochs, `accuracy` is of the validation set."""
        with self._lock:
            new_epoch = epoch is not None and epoch != self._epoch
            begin, end = self._part
            self._fraction = begin + (end - begin) * min(1.0, fraction)
            self._epoch = epoch if epoch is not None else self._epoch
            self._loss = loss if loss is not None else self._loss
            self._accuracy = accuracy if accuracy is not None else self._accuracy
            # What came before the first step may have been done by an interrupted run: it says nothing about speed.
            self._mark = self._mark or (time.monotonic(), self._fraction)
        self._print(force=new_epoch)

    def say(self, line: str) -> None:
        """Print a line for people."""
        if not self.quiet:
            with self._lock:
                _write(line)
            self._print(force=True)

    def elapsed(self) -> float:
        """Return the seconds since the run began, those before an interruption too."""
        return time.monotonic() - self._started

    def spent(self) -> dict[str, float]:
        """Return the seconds by phase, the present one so far, and in all (`total`)."""
        with self._lock:
            here = time.monotonic() - self._phase_started
            phases = self.seconds | {self._phase: self.seconds.get(self._phase, 0.0) + here}
        return phases | {"total": self.elapsed()}

    def resume(self, spent: dict[str, float]) -> None:
        """Count what an interrupted process had spent on the run."""
        with self._lock:
            self._started -= spent.get("total", 0.0)
            for phase, seconds in spent.items():
                if phase != "total":
                    self.seconds[phase] = self.seconds.get(phase, 0.0) + seconds

    def now(self) -> RunProgress:
        """Return the state as the operator reads it."""
        low, high = self._spans[self._phase]
        self._percent = max(self._percent, int(low + (high - low) * self._fraction))
        return RunProgress(
            phase=self._phase,
            percent=self._percent,
            epoch=self._epoch,
            epochs=self._epochs,
            eta_seconds=self._eta(),
            loss=None if self._loss is None else f"{self._loss:.4g}",
            accuracy=None if self._accuracy is None else f"{self._accuracy:.4f}",
        )

    def _eta(self) -> int | None:
        """Return the seconds to the end, once enough of the main phase is done to tell."""
        spent = time.monotonic() - self._phase_started
        if self._phase in ("Evaluation", "Publishing"):
            main = max(sum(self.seconds.get(phase, 0.0) for phase in MAIN), 10.0)
            return max(0, round(main * TAIL_FRACTION - spent))
        if self._phase not in MAIN or self._mark is None:
            return None
        since, first = self._mark
        if self._fraction - first < 0.02:
            return None
        whole = (time.monotonic() - since) / (self._fraction - first)
        return round(whole * (1 - self._fraction + TAIL_FRACTION))

    def _close_phase(self) -> None:
        spent = time.monotonic() - self._phase_started
        self.seconds[self._phase] = self.seconds.get(self._phase, 0.0) + spent
        self._phase_started = time.monotonic()

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            self._print(force=False)

    def _print(self, *, force: bool) -> None:
        if self.quiet:
            return
        with self._lock:
            if not force and time.monotonic() - self._printed < MINIMUM_GAP_SECONDS:
                return
            self._printed = time.monotonic()
            _write(json.dumps({"progress": self.now().to_wire()}))


def _write(line: str) -> None:
    """Write a line, in one piece; a log on a full disk is no reason to end a run, a reader who is gone is one."""
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError:
        return
