"""Reading several objects at once, in threads that import nothing: it goes on while the program is still importing."""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, NamedTuple, TypeVar

from transfermodel_predictor.artifact.canonical import digest_of
from transfermodel_predictor.artifact.storage import open_store

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


class Fetched(NamedTuple):
    """An object as storage gave it."""

    data: bytes
    digest: str
    """sha256:… of the data."""


class Download:
    """Objects below a URI, each on its way from the start, and digested when it is there; nothing is checked yet."""

    def __init__(self, uri: str, names: Iterable[str], environment: Mapping[str, str], prefix: str = "") -> None:
        """Start; prefix: of the credentials' variables.

        Raises:
            StorageUriInvalid: The URI is of no kind that can be read.
        """
        self._storage = open_store(uri, environment, prefix)
        self._pending: dict[str, Background[Fetched]] = {}
        for name in names:
            self.begin(name)

    def begin(self, name: str) -> None:
        """Start to read one more object."""
        self._pending[name] = Background(_reader(self._storage.get, name), f"get {name}")

    def result(self, name: str) -> Fetched:
        """Wait for one object, and return it, once: it may be large, so nothing of it is kept here.

        Raises:
            StorageError: Storage failed.
        """
        return self._pending.pop(name).result()


def _reader(get: Callable[[str], bytes], name: str) -> Callable[[], Fetched]:
    def fetched() -> Fetched:
        data = get(name)
        # Here, not where it is checked: hashing needs no interpreter, and the program is still importing.
        return Fetched(data, digest_of(data))

    return fetched
