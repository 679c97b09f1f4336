"""`python -m transfermodel.child MODULE`: run a module, and end it when the parent is gone, however the parent went.

Standard input is a pipe that the parent holds open and never writes to: it ends when the parent ends, by SIGKILL too.
"""

import os
import runpy
import signal
import sys
import threading
import time

GRACE_SECONDS = 10.0


def end_with_parent() -> None:
    """Wait for the end of standard input, then end this process: first politely."""
    # Signals are for the main thread and for whoever waits for them there.
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


def main() -> None:
    """Run the module that the command line names, as `python -m` does."""
    threading.Thread(target=end_with_parent, name="parent", daemon=True).start()
    module = sys.argv[1]
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
