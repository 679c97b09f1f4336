"""`transfermodel doctor`."""


def doctor() -> None:
    """To be written."""
