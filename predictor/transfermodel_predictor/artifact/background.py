"""Threads for what takes long and holds no lock of the interpreter: it goes on while the program is still importing."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(threading.Thread, Generic[T]):
    """A function that runs meanwhile; its thread does not keep a process from ending."""

    def __init__(self, function: Callable[[], T], name: str) -> None:
        """Start it."""
        super().__init__(name=name, daemon=True)
        self._function: Callable[[], T] | None = function
        self._value: T
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        """Keep what the function returns or raises, and nothing else."""
        function, self._function = self._function, None
        assert function is not None  # noqa: S101 - a thread runs once
        try:
            self._value = function()
        except BaseException as error:
            self._error = error

    def result(self) -> T:
        """Wait, and return what the function returned, or raise what it raised."""
        self.join()
        if self._error is not None:
            raise self._error
        return self._value
