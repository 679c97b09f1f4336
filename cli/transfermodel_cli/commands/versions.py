"""`transfermodel versions`."""


def versions() -> None:
    """To be written."""
