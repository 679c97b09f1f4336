"""Why a version is not served as the spec asks: what serves then goes on, and nothing is done otherwise by itself."""

from transfermodel_operator.api import Reason, int8
from transfermodel_operator.api.spec import Serving
from transfermodel_operator.resources import gpus
from transfermodel_operator.versions import Version


def refusal(version: Version, serving: Serving) -> tuple[Reason, str] | None:
    """Return the reason and its sentences; None: it can be served so."""
    if why := int8.refusal(serving.precision, version.int8):
        message = f"{version.name} is not served in Int8. {why} Set spec.serving.precision to Float32"
        return Reason.PRECISION_REFUSED, message
    if why := gpus.refusal(version, serving):
        return Reason.GPU_NOT_USABLE, f"{version.name} is not served. {why}"
    return None
