"""A bounded loop of predictions in the background, to see whether users notice a change."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx

from tests.support.specs import instances_of
from tests.support.stack import Workspace

LIMIT = 2000
"""Requests at most, whatever happens."""


@dataclass
class Traffic:
    """What the loop saw."""

    answers: list[str] = field(default_factory=list)
    """The modelVersion of each answer, in order."""
    failures: list[str] = field(default_factory=list)


@contextlib.contextmanager
def traffic(workspace: Workspace, name: str, image: bytes, interval_seconds: float = 0.1) -> Iterator[Traffic]:
    """Ask for one prediction after the other until the block ends."""
    seen = Traffic()
    done = threading.Event()
    url, headers = workspace.endpoint(name)
    body = instances_of([image])

    def loop() -> None:
        with httpx.Client(timeout=60, headers=headers) as client:
            for _ in range(LIMIT):
                if done.wait(interval_seconds):
                    return
                try:
                    answer = client.post(url, json=body)
                    if answer.status_code == 200:
                        seen.answers.append(answer.json()["predictions"][0]["modelVersion"])
                    else:
                        seen.failures.append(f"{answer.status_code} {answer.text[:300]}")
                except httpx.HTTPError as error:
                    seen.failures.append(repr(error))

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join(timeout=90)
