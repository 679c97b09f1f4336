"""May a version be served in the precision that the spec asks for?"""

from transfermodel_operator.api.spec import Serving
from transfermodel_operator.versions import Version


def refused(version: Version, serving: Serving) -> str | None:
    """Return why a version is not served in the precision asked for, as a sentence; None: it is."""
    if serving.precision == "Float32":
        return None
    if version.int8 is None:
        return (
            "It was trained before models were made in 8-bit integers, too: to train such a one, change "
            "spec.training.seed."
        )
    return version.int8.refusal
