"""What abuse may cost: a refusal at once, bounded memory, and probes that are answered meanwhile."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx
import numpy as np

from tests.support.predictor_process import PredictorProcess
from tests.support.predictor_requests import V1, sentence
from tests.support.raw_http import forget_peak, peak_bytes, processor_seconds, resident_bytes, seconds_of

MEGABYTE: Final = 1_000_000
AT_ONCE: Final = 1.0
"""Seconds of the processor that a refusal takes at most; counted so, what else the machine does is left out."""


@contextmanager
def unharmed(process: PredictorProcess, megabytes: float) -> Iterator[None]:
    """Meanwhile the process answers its probes as before, and needs no more memory than this on top."""
    usual = [seconds_of(process.client, "/v2/health/ready") for _ in range(10)]
    pid, begun, ended, waits = process.process.pid, threading.Event(), threading.Event(), list[float]()
    before = resident_bytes(pid)
    forget_peak(pid)

    def probe() -> None:
        with httpx.Client(base_url=process.client.base_url, timeout=10, trust_env=False) as client:
            while not ended.is_set():
                asked = time.perf_counter()
                assert client.get("/v2/health/ready").status_code == 200
                waits.append(time.perf_counter() - asked)
                begun.set()
                time.sleep(0.005)  # a probe costs the same processor

    thread = threading.Thread(target=probe)
    thread.start()
    assert begun.wait(10)
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert max(waits) < max(AT_ONCE, 10 * max(usual))
    if len(waits) >= 50:
        assert np.median(waits) < max(0.1, 10 * float(np.median(usual)))
    more = (peak_bytes(pid) - before) / MEGABYTE
    assert more < megabytes, f"{more:.0f} MB more at the worst"


def refused(
    process: PredictorProcess,
    body: bytes,
    headers: dict[str, str] | None = None,
    path: str = V1,
    *,
    status: int = 400,
    megabytes: float = 30,
) -> str:
    """Return the sentence of a refusal that came at once."""
    with unharmed(process, megabytes):
        begun = processor_seconds(process.process.pid)
        response = process.client.post(path, content=body, headers=headers)
        took = processor_seconds(process.process.pid) - begun
    assert response.status_code == status, response.text
    assert took < AT_ONCE, f"it took {took} seconds of the processor"
    return sentence(response)
