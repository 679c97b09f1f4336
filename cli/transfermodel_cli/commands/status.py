"""`transfermodel status`."""


def status() -> None:
    """To be written."""
