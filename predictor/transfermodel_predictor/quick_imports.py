"""kserve's server without what a server never uses: half of its import time, and 50 MB, at every wake from zero.

`import kserve` also brings the client for the Kubernetes API and pandas. Here the package's `__init__` (which does
nothing but import) is not run, and `pandas` is represented by a stand-in until somebody uses it.
"""

import importlib
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Deferred(types.ModuleType):
    """A module that is imported when it is first used; while others are imported, its classes are mere names."""

    def __init__(self, name: str) -> None:
        """Stand in for the module of this name."""
        super().__init__(name)
        self.importing = True

    def __getattr__(self, attribute: str) -> Any:
        """Return a class to annotate with, or what the real module holds."""
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        if self.importing:
            return type(attribute, (), {"__module__": self.__name__})
        return getattr(importlib.import_module(self.__name__), attribute)


@contextmanager
def without_ballast() -> Iterator[None]:
    """Within, importing `kserve.model` and `kserve.model_server` imports neither pandas nor the Kubernetes client."""
    deferred = None
    if "kserve" not in sys.modules:
        spec = importlib.machinery.PathFinder.find_spec("kserve")
        if spec is not None:
            sys.modules["kserve"] = importlib.util.module_from_spec(spec)
        if "pandas" not in sys.modules:
            deferred = sys.modules["pandas"] = Deferred("pandas")
    try:
        yield
    finally:
        if deferred is not None:
            # From here on `import pandas` is the real one; kserve's own name for it leads there too.
            deferred.importing = False
            if sys.modules.get("pandas") is deferred:
                del sys.modules["pandas"]
