"""`transfermodel logs`."""


def logs() -> None:
    """To be written."""
