"""`transfermodel run`."""


def run() -> None:
    """To be written."""
