"""What is wrong with a sample, whatever it is a sample of."""


class UnreadableSample(ValueError):
    """The bytes are no sample that can be used; the message is a whole sentence."""
