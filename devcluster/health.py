"""Whether a server answers: the checks that processes are judged by. None of them raises."""

import http.client
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from devcluster.certificates import Pair

_TIMEOUT_SECONDS = 5.0


def answers(url: str, *, authority: Path | None = None, client: Pair | None = None) -> bool:
    """Whether a GET gives a 2xx status. Without an authority, an https server's certificate is not checked."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    connection: http.client.HTTPConnection
    try:
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=str(authority) if authority else None)
            if authority is None:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            if client:
                context.load_cert_chain(client.certificate, client.key)
            connection = http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_SECONDS, context=context)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request("GET", parts.path or "/")
            return 200 <= connection.getresponse().status < 300
        finally:
            connection.close()
    except (OSError, http.client.HTTPException):
        return False


def listens(address: str, port: int) -> bool:
    """Whether a TCP connection is accepted."""
    try:
        with socket.create_connection((address, port), timeout=_TIMEOUT_SECONDS):
            return True
    except OSError:
        return False


def listens_on_socket(path: Path) -> bool:
    """Whether a connection to a Unix socket is accepted."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(_TIMEOUT_SECONDS)
        try:
            client.connect(str(path))
        except OSError:
            return False
        return True
