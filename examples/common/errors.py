"""The one exception that ends a demo."""

from transfermodel.errors import TransferModelError


class DemoError(TransferModelError):
    """The demo cannot go on; the message says what is wrong and what to do or to look at."""
