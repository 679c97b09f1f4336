"""For all tests."""

import signal


def pytest_configure() -> None:
    """Give programs that tests start the signals of a terminal.

    Under nohup, and in the background of a script, they are ignored, and a child inherits that.
    """
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
