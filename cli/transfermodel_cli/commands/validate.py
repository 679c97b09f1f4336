"""`transfermodel validate`."""


def validate() -> None:
    """To be written."""
