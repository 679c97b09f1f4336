"""A small cluster without I/O: Kubernetes' Job controller, Knative and KServe as far as the operator can tell."""

from tests.unit.operator.simulator.jobs import is_active
from tests.unit.operator.simulator.objects import NAMESPACE
from tests.unit.operator.simulator.runs import failure, result
from tests.unit.operator.simulator.serving import is_ready
from tests.unit.operator.simulator.world import World, settings, spec

__all__ = ["NAMESPACE", "World", "failure", "is_active", "is_ready", "result", "settings", "spec"]
