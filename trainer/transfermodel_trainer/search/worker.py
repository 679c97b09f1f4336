"""`python -m transfermodel_trainer.search.worker FOLDER`: a process that tries one set of settings after the other.

Lines of JSON in, lines of JSON out. It ends with its standard input: when the search does, however that may be.
"""

import json
import os
import queue
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, TextIO

from transfermodel_operator.api import Reason

from transfermodel_trainer.errors import RunError, out_of_memory
from transfermodel_trainer.limits import Limits


class Told(Limits):
    """The limits of one trial, that say when there is a model for the first time."""

    def __init__(self, seconds: dict[str, float], tell: "Channel") -> None:
        """Take what is left until each limit, by the field of the spec that says so."""
        started = time.monotonic()
        super().__init__(seconds, lambda: time.monotonic() - started)
        self._channel = tell

    def fitted(self) -> None:
        """Say so once."""
        if not self.is_fitted():
            self._channel.tell({"event": "fitted"})
        super().fitted()


class Channel:
    """The lines from and to the search."""

    def __init__(self) -> None:
        """Take standard output for the lines alone: what libraries print goes where errors go."""
        self._lines: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._out: TextIO = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        threading.Thread(target=self._read, name="lines", daemon=True).start()

    def tell(self, event: dict[str, Any]) -> None:
        """Write a line."""
        self._out.write(f"{json.dumps(event)}\n")
        self._out.flush()

    def next(self) -> dict[str, Any]:
        """Wait for a line."""
        return self._lines.get()

    def _read(self) -> None:
        for line in sys.stdin:
            self._lines.put(json.loads(line))
        os._exit(0)


def main() -> None:
    """Try what is asked for until there is nobody who asks."""
    channel = Channel()
    # Torch takes seconds to import.
    from transfermodel_trainer.search.shared import Shared
    from transfermodel_trainer.search.trying import Pruned, Trier

    shared = Shared(Path(sys.argv[1]))
    trier = Trier(shared)

    def go_on(steps: dict[int, float]) -> bool:
        channel.tell({"event": "judge", "steps": steps})
        return bool(channel.next()["goOn"])

    channel.tell({"event": "ready"})
    while True:
        task = channel.next()
        limits = Told(task["seconds"], channel)
        try:
            made = trier.make(
                task["method"],
                task["settings"],
                limits,
                go_on,
                lambda done: channel.tell({"event": "step", "done": done}),
            )
            shared.write_model(task["number"], made.tensors)
            done = made.facts
        except Pruned:
            done = {"state": "Pruned"}
        except RunError as error:
            stopped = limits.exceeded() is not None
            done = {"state": "Stopped" if stopped else "Failed", "cause": cause_of(error)}
        except Exception as error:
            if not out_of_memory(error):
                traceback.print_exc()
            done = {"state": "Failed", "cause": cause_of(error)}
        channel.tell({"event": "done", **done})


def cause_of(error: Exception) -> str:
    """Return what to say of an error; the same of all of its kind, so that they can be counted."""
    if isinstance(error, RunError):
        diverged = error.reason == Reason.TRAINING_DIVERGED
        return "the loss was no longer a number" if diverged else error.message
    if out_of_memory(error):
        return "it needs more memory than there is"
    return f"it crashed: {type(error).__name__}: {' '.join(str(error).split()) or 'no message'}"


if __name__ == "__main__":
    main()
