"""What the trainer found out about a model in 8-bit integers; a version remembers it."""

from transfermodel_operator.api.meta import ApiModel


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
