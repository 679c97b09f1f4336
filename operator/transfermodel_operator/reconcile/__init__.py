"""What we want, given what we see: pure, level-triggered, and idempotent."""

from datetime import datetime

from transfermodel_operator.observed import Observed
from transfermodel_operator.plan import Plan
from transfermodel_operator.reconcile import record, run, serve, summarise, validate
from transfermodel_operator.reconcile.visit import Visit
from transfermodel_operator.settings import Settings

PHASES = (validate.validate, run.run, record.record, serve.serve)
"""In order; each settles its condition. A phase looks at what the phases before it left in the visit."""


def reconcile(observed: Observed, settings: Settings, now: datetime) -> Plan:
    """Return what to do now; once it is done, the next call returns an empty plan.

    Args:
        observed: The cluster around one TransferModel, read just now.
        settings: The operator's settings.
        now: The time, in UTC.
    """
    if "deletionTimestamp" in observed.model["metadata"]:
        return Plan()  # its children go by their owner references
    visit = Visit(observed, settings, now)
    for phase in PHASES:
        phase(visit)
    return summarise.summarise(visit)
