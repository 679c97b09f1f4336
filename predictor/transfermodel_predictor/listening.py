"""The port of HTTP. Imports next to nothing: whoever asks while the process still imports waits to be accepted."""

import socket
from errno import EACCES, EADDRINUSE
from typing import Final

from transfermodel_predictor.configuration import ConfigurationInvalid

BACKLOG: Final = 2048


def listener(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; connections are taken once a server does.

    Raises:
        ConfigurationInvalid: It cannot be had.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        number = getattr(error, "errno", None)
        why = {EADDRINUSE: "another program does", EACCES: "it is not allowed"}.get(number or 0, str(error))
        raise ConfigurationInvalid(
            f"The predictor cannot listen on port {port} of {host}: {why}. Choose another with the environment "
            "variable PORT, or another address with TRANSFERMODEL_HOST."
        ) from error
