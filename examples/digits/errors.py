"""The one exception that ends the demo."""


class DemoError(Exception):
    """The demo cannot go on; the message says what is wrong and what to do or to look at."""
