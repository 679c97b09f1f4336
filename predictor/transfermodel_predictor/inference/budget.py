"""What several threads may use together."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Budget:
    """An amount of something, such as pixels in memory; who needs more than is left waits for others to give back."""

    def __init__(self, amount: int) -> None:
        """Begin with all of it left."""
        self._amount = self._left = amount
        self._given_back = threading.Condition()

    @contextmanager
    def taking(self, amount: int) -> Iterator[None]:
        """Use so much within the block; who needs more than all waits until nobody else uses any."""
        amount = min(amount, self._amount)
        with self._given_back:
            self._given_back.wait_for(lambda: self._left >= amount)
            self._left -= amount
        try:
            yield
        finally:
            with self._given_back:
                self._left += amount
                self._given_back.notify_all()
