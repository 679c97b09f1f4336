"""`transfermodel predict`."""


def predict() -> None:
    """To be written."""
