"""Reading several objects at once, in threads that import nothing: it goes on while the program is still importing."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from transfermodel_predictor.artifact.background import Background
from transfermodel_predictor.artifact.canonical import digest_of
from transfermodel_predictor.artifact.names import MANIFEST, served
from transfermodel_predictor.artifact.storage import open_store


class Fetched(NamedTuple):
    """An object as storage gave it."""

    data: memoryview
    digest: str
    """sha256:… of the data."""


def download_served(uri: str, precision: str, environment: Mapping[str, str]) -> "Download":
    """Begin to read what the predictor needs of every artifact. Raises StorageUriInvalid."""
    return Download(uri, [MANIFEST, *served(precision)], environment)


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
        self._pending[name] = Background(_reader(self._storage.view, name), f"get {name}")

    def result(self, name: str) -> Fetched:
        """Wait for one object, and return it, once: it may be large, so nothing of it is kept here.

        Raises:
            StorageError: Storage failed.
        """
        return self._pending.pop(name).result()


def _reader(view: Callable[[str], memoryview], name: str) -> Callable[[], Fetched]:
    def fetched() -> Fetched:
        data = view(name)
        # Here, not where it is checked: hashing needs no interpreter, and the program is still importing.
        return Fetched(data, digest_of(data))

    return fetched
