"""Archives over https, from a real TLS server on loopback."""

import datetime
import functools
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from transfermodel_operator.api import Reason
from transfermodel_trainer.data.fetch import fetch
from transfermodel_trainer.data.sources import look_up
from transfermodel_trainer.data.spool import Spool
from transfermodel_trainer.errors import RunError

from tests.support import datasets


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def certificate(folder: Path) -> Path:
    """Return a file with a key and a certificate for 127.0.0.1 that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "pair.pem"
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(encoding))
    return path


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """The address of a server, and the folder that it serves."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pair = certificate(tmp_path)
    context.load_cert_chain(pair)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(pair))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    server.server_close()


Served = tuple[str, Path]


def test_an_archive_is_fetched(served: Served, tmp_path: Path) -> None:
    address, folder = served
    (folder / "colours data.tar.gz").write_bytes(datasets.tar(datasets.folder(per_class=2), compression="gz"))
    source = look_up("train", f"{address}/colours%20data.tar.gz", {})
    done: list[float] = []
    found = fetch(source, Spool(tmp_path), tmp_path, done.append)
    assert found.classes.labels == ("blue", "green", "red")
    assert len(found.samples) == 6
    assert done[-1] == 1.0


def test_another_archive_has_another_digest(served: Served) -> None:
    address, folder = served
    digests = []
    for per_class in (2, 3):
        (folder / "data.zip").write_bytes(datasets.zip_archive(datasets.folder(per_class=per_class)))
        digests.append(look_up("train", f"{address}/data.zip", {}).digest())
    assert digests[0] != digests[1]


def test_an_archive_that_is_not_there(served: Served) -> None:
    with pytest.raises(RunError) as caught:
        look_up("test", f"{served[0]}/absent.zip", {})
    assert caught.value.reason is Reason.DATA_NOT_FOUND
    assert "spec.data.test.uri" in caught.value.message


def test_a_stranger_with_a_certificate_of_their_own(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    address, folder = served
    (folder / "data.zip").write_bytes(b"x")
    with pytest.raises(RunError) as caught:
        look_up("train", f"{address}/data.zip", {})
    assert caught.value.reason is Reason.STORAGE_UNAVAILABLE


@pytest.mark.parametrize("uri", ["https://user:word@127.0.0.1/x.zip", "ftp://127.0.0.1/x.zip", "https:///x.zip"])
def test_what_is_no_address(uri: str) -> None:
    with pytest.raises(RunError) as caught:
        look_up("train", uri, {})
    assert caught.value.reason is Reason.DATA_NOT_FOUND
