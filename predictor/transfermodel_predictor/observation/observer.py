"""Where each request goes once it is answered: to the metrics, to the log, and to the traces."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol as Interface

from transfermodel_predictor.observation.logs import fields
from transfermodel_predictor.observation.metrics import Metrics, Protocol
from transfermodel_predictor.observation.request_record import REQUEST, Outcome, RequestRecord

logger = logging.getLogger("transfermodel_predictor.access")


class Tracer(Interface):
    """Whoever keeps traces."""

    def trace(self, record: RequestRecord, outcome: Outcome, headers: Mapping[str, str]) -> str:
        """Keep a request with its phases, and return the trace's id."""
        ...


class Observer:
    """Sees every request of every protocol."""

    def __init__(self, metrics: Metrics, *, access_log: bool = False) -> None:
        """Take where it is counted; access_log: whether each request gets a line."""
        self._metrics, self._access_log = metrics, access_log
        self.tracer: Tracer | None = None
        """Who keeps traces; comes later than the first requests."""

    @contextmanager
    def request(self, protocol: Protocol, operation: str, headers: Mapping[str, str]) -> Iterator[Outcome]:
        """See a request from its begin to its end; what it came to is filled in within.

        Args:
            protocol: that it speaks.
            operation: what is asked, such as POST /v1/models/digits:predict.
            headers: or gRPC's metadata, in small letters; traceparent is read where traces are kept.
        """
        record, outcome = RequestRecord(protocol, operation), Outcome()
        token = REQUEST.set(record)
        begun = time.perf_counter()
        try:
            yield outcome
        finally:
            outcome.seconds = time.perf_counter() - begun
            REQUEST.reset(token)
            self._ended(record, outcome, protocol, headers)

    def _ended(self, record: RequestRecord, outcome: Outcome, protocol: Protocol, headers: Mapping[str, str]) -> None:
        self._metrics.answered(protocol, outcome.code, outcome.seconds)
        if record.reason is not None:
            self._metrics.failed(record.reason)
        trace = {} if self.tracer is None else {"traceId": self.tracer.trace(record, outcome, headers)}
        if self._access_log:
            logger.info(
                "%s %s in %.4f s",
                record.operation,
                outcome.code,
                outcome.seconds,
                extra=fields(
                    protocol=protocol,
                    operation=record.operation,
                    code=outcome.code,
                    **({} if record.reason is None else {"reason": record.reason}),
                    seconds=round(outcome.seconds, 6),
                    phaseSeconds={name: round(seconds, 6) for name, seconds in record.seconds().items()},
                    samples=record.samples,
                    requestBytes=outcome.request_bytes,
                    responseBytes=outcome.response_bytes,
                    **trace,
                ),
            )
