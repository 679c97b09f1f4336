"""For all tests."""

import os
import signal

# As in the trainer's own process: threads that spin while they wait take the processor from what runs beside them, and
# training within a test becomes many times slower. Torch reads it once, when it is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def pytest_configure() -> None:
    """Give programs that tests start the signals of a terminal.

    Under nohup, and in the background of a script, they are ignored, and a child inherits that.
    """
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
