"""`transfermodel describe`."""


def describe() -> None:
    """To be written."""
