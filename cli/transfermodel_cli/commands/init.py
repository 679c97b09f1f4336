"""`transfermodel init`."""


def init() -> None:
    """To be written."""
