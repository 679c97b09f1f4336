"""What the trainer found out about a model in 8-bit integers; a version remembers it."""

from typing import Final, Literal

from transfermodel_operator.api.meta import ApiModel

Precision = Literal["Float32", "Int8"]
"""What a network computes with where it is served."""
NOT_LOOKED_AT: Final = (
    "It was trained before models were made in 8-bit integers, too: to train such a one, change spec.training.seed."
)


class Int8Check(ApiModel):
    """A model in 8-bit integers beside the same model in Float32, on the same samples."""

    accuracy: str | None = None
    """In 8-bit integers; none where there is no such graph."""
    float32_accuracy: str | None = None
    """In Float32, on the same samples."""
    agreement: str | None = None
    """Share of the samples that get the same label from both."""
    samples: int | None = None
    """How many samples there were: of the split that the headline metrics are of, at most 2,000."""
    speedup: str | None = None
    """Float32's time for one sample over Int8's, on the machine that trained."""
    seconds: str | None = None
    """What making and judging it took."""
    refusal: str | None = None
    """Why it is not to be served: there is no such graph, or it is more than 0.5 point less accurate; a sentence."""


def refusal(precision: Precision, check: Int8Check | None) -> str | None:
    """Return why a version is not served in a precision, as a sentence; None: it is.

    check: what the version remembers of 8-bit integers; None: nothing.
    """
    if precision == "Float32":
        return None
    return NOT_LOOKED_AT if check is None else check.refusal
