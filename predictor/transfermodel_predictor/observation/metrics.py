"""What the process counts, under Prometheus' conventions: base units, few labels, each with few values."""

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Final, Literal

from transfermodel_predictor.observation.instruments import Counter, Gauge, Histogram, Instrument
from transfermodel_predictor.observation.request_record import PhaseSpan, RequestRecord, current_requests
from transfermodel_predictor.observation.startup import STARTUP

Phase = Literal["decode", "preprocess", "queue", "infer"]
Protocol = Literal["v1", "v2", "grpc", "other"]

REQUEST_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PHASE_BOUNDS: Final = (0.0001, 0.00025, 0.0005, *REQUEST_BOUNDS)
BATCH_BOUNDS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


class Metrics:
    """May be used from several threads at once. Recording takes about a microsecond and imports nothing."""

    def __init__(self, model_name: str, version: str, digest: str, precision: str = "Float32") -> None:
        """Begin at zero, for this model."""
        self._requests = Counter("transfermodel_requests_total", "Requests answered, by status", ("protocol", "code"))
        self._request_seconds = Histogram(
            "transfermodel_request_seconds",
            "Time from a request's first byte to its answer's last",
            REQUEST_BOUNDS,
            ("protocol",),
        )
        self._errors = Counter("transfermodel_errors_total", "Requests refused or failed, by reason", ("reason",))
        self.in_progress = Gauge("transfermodel_requests_in_progress", "Requests whose samples wait or are in work")
        self._phases = Histogram("transfermodel_phase_seconds", "Time that a phase took", PHASE_BOUNDS, ("phase",))
        self._samples = Counter("transfermodel_samples_total", "Samples inferred")
        self._batches = Histogram("transfermodel_batch_samples", "Samples in one call of the network", BATCH_BOUNDS)
        self._queue = Gauge("transfermodel_queue_samples", "Samples that wait for the network")
        self._info = Gauge(
            "transfermodel_model_info",
            "The model that is served; always 1",
            ("model", "version", "digest", "precision"),
        )
        self._info.set(1, model_name, version, digest, precision)
        self._device = Gauge(
            "transfermodel_device_info",
            "What the network computes on, and what was asked for; always 1, once the model is loaded",
            ("device", "wanted"),
        )
        self._load = Gauge("transfermodel_load_seconds", "Time that a part of the start took", ("phase",))

    def phase(self, name: Phase, requests: Iterable[RequestRecord] | None = None) -> "Timed":
        """Time what runs within a `with`, for the histogram and for the requests concerned.

        Args:
            name: of the phase.
            requests: those whose samples are worked on; by default that of the context, which a pool's threads lack.
        """
        return Timed(self, name, requests)

    def phase_took(self, name: Phase, seconds: float, requests: Iterable[RequestRecord] | None = None) -> None:
        """Say that a phase ended just now and took this long: for what begins in one thread and ends in another."""
        self._phases.observe(seconds, name)
        if requests is None:
            requests = current_requests()
        begun = time.time_ns() - int(seconds * 1e9)
        for request in requests:
            request.phases.append(PhaseSpan(name, begun, seconds))

    def batch(self, samples: int) -> None:
        """Count one call of the network, with this many samples."""
        self._batches.observe(samples)
        self._samples.add(amount=samples)

    def queued(self, samples: int) -> None:
        """Say how many samples wait for the network now."""
        self._queue.set(samples)

    def answered(self, protocol: Protocol, code: str, seconds: float) -> None:
        """Count one request; code: the HTTP status, or the name of gRPC's."""
        self._requests.add(protocol, code)
        self._request_seconds.observe(seconds, protocol)

    def failed(self, reason: str) -> None:
        """Count one request that was refused or failed; reason: one of few."""
        self._errors.add(reason)

    def computes_on(self, device: str, wanted: str) -> None:
        """Say what the network computes on, and what was asked for: cpu or cuda."""
        self._device.set(1, device, wanted)

    def instruments(self) -> list[Instrument]:
        """Return all of them, as they are shown."""
        for name, seconds in STARTUP.seconds.copy().items():  # it may still be loading, in another thread
            self._load.set(seconds, name)
        return [
            self._requests,
            self._request_seconds,
            self._errors,
            self.in_progress,
            self._phases,
            self._samples,
            self._batches,
            self._queue,
            self._info,
            self._device,
            self._load,
        ]

    def exposition(self, accept: str | None) -> tuple[bytes, str]:
        """Return all metrics, and their media type, as the header Accept wants them.

        The first call imports prometheus_client: call it in a thread.
        """
        from transfermodel_predictor.observation.exposition import expose

        return expose(self.instruments, accept)


class Timed:
    """One phase that is being timed."""

    __slots__ = ("_begun", "_metrics", "_name", "_requests")

    def __init__(self, metrics: Metrics, name: Phase, requests: Iterable[RequestRecord] | None) -> None:
        """Take what it is; nothing runs yet."""
        self._metrics, self._name, self._requests = metrics, name, requests

    def __enter__(self) -> None:
        """Begin."""
        self._begun = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End, with an error too."""
        self._metrics.phase_took(self._name, time.perf_counter() - self._begun, self._requests)
