"""The processes that trials run in: started, told what to try, listened to, replaced when one dies."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

WORKER: Final = "transfermodel_trainer.search.worker"
OWN_VARIABLES: Final = "TRANSFERMODEL_"
"""They hold the request and keys to storage, which no trial needs."""


@dataclass(frozen=True)
class Event:
    """What a process said; content None: it ended."""

    process: "Process"
    content: dict[str, Any] | None


class Process:
    """One of them."""

    def __init__(self, folder: Path, threads: int, events: "queue.SimpleQueue[Event]") -> None:
        """Start it."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(OWN_VARIABLES)}
        self._events = events
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", WORKER, str(folder)],
            # It finds what this process finds, also where nothing is installed (an image has the code alone); with -P
            # nothing of the current folder.
            env=environment | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.task: int | None = None
        """The number of the trial that runs in it."""
        self.ready = False
        """Whether it has imported and read what it needs: until then it can try nothing."""
        self.began = 0.0
        self.done = 0.0
        """How much of it is done, 0 to 1."""
        self.ends_by: float | None = None
        """When it is ended if it has not ended by itself, by the monotonic clock."""
        threading.Thread(target=self._listen, name="trial", daemon=True).start()

    def begin(self, number: int, method: str, settings: Mapping[str, Any], seconds: Mapping[str, float]) -> None:
        """Let it try settings, within so many seconds by the field that says so."""
        self.task, self.began, self.done, self.ends_by = number, time.monotonic(), 0.0, None
        self.tell({"number": number, "method": method, "settings": settings, "seconds": seconds})

    def tell(self, line: Mapping[str, Any]) -> None:
        """Write it a line; one that ended meanwhile is noticed by its end."""
        if self._child.stdin is None:
            return
        try:
            self._child.stdin.write(f"{json.dumps(line)}\n")
            self._child.stdin.flush()
        except OSError:
            return

    def kill(self) -> None:
        """End it at once."""
        self._child.kill()
        self._child.wait()

    def how_it_ended(self) -> str:
        """Say so, of one that did."""
        code = self._child.wait()
        if code == -signal.SIGKILL:
            return "its process was killed, most likely because memory ran out"
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit status {code}"
        return f"its process ended {how}; the log shows why"

    def _listen(self) -> None:
        if self._child.stdout is not None:
            for line in self._child.stdout:
                self._events.put(Event(self, json.loads(line)))
        self._events.put(Event(self, None))


class Processes:
    """Some of them."""

    def __init__(self, folder: Path, count: int, threads: int) -> None:
        """Start so many, each with so many threads."""
        self._folder, self._threads = folder, threads
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.all = [self._started() for _ in range(count)]

    def idle(self) -> Process | None:
        """Return one that is ready and has nothing to do, if there is one."""
        return next((process for process in self.all if process.ready and process.task is None), None)

    def busy(self) -> list[Process]:
        """Return those that have."""
        return [process for process in self.all if process.task is not None]

    def replace(self, process: Process) -> None:
        """Start another in the place of one that ended."""
        self.all[self.all.index(process)] = self._started()

    def next_event(self, timeout_seconds: float) -> Event | None:
        """Wait for one of them to say something; None: none did."""
        try:
            return self.events.get(timeout=timeout_seconds)
        except queue.Empty:
            return None

    def end(self) -> None:
        """End all."""
        for process in self.all:
            process.kill()

    def _started(self) -> Process:
        return Process(self._folder, self._threads, self.events)
