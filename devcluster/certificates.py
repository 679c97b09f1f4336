"""Certificate authorities and what they sign, made once and kept while they are valid. Keys are EC P-256."""

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFETIME = timedelta(days=365)
_RENEW_BEFORE = timedelta(days=30)
# Clocks of machines that slept may lag.
_BACKDATED = timedelta(hours=1)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path

    def load_certificate(self) -> x509.Certificate:
        """The parsed certificate."""
        return x509.load_pem_x509_certificate(self.certificate.read_bytes())

    def load_key(self) -> ec.EllipticCurvePrivateKey:
        """The parsed key."""
        key = serialization.load_pem_private_key(self.key.read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - we wrote the file
        return key


class Authority:
    """One certificate authority and the folder that holds it and what it signs."""

    def __init__(self, folder: Path, name: str) -> None:
        """Make the authority unless the folder holds a valid one."""
        self._folder = folder
        self.pair = Pair(folder / f"{name}.crt", folder / f"{name}.key")
        if not _is_valid(self.pair, issuer=None, names=()):
            key = ec.generate_private_key(ec.SECP256R1())
            subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"devcluster {name}")])
            builder = _builder(subject, subject, key).add_extension(x509.BasicConstraints(True, 0), critical=True)
            builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
            _write(self.pair, builder.sign(key, hashes.SHA256()), key)

    def issue(self, name: str, common_name: str, *, groups: Sequence[str] = (), names: Sequence[str] = ()) -> Pair:
        """A certificate that serves (when it has names) and authenticates a client, made unless a valid one is there.

        Args:
            name: of the files.
            common_name: the user in Kubernetes' eyes.
            groups: the user's groups in Kubernetes' eyes.
            names: DNS names and IP addresses of a server.
        """
        pair = Pair(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        issuer = self.pair.load_certificate()
        if _is_valid(pair, issuer=issuer, names=names):
            return pair
        key = ec.generate_private_key(ec.SECP256R1())
        attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        subject = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        builder = _builder(subject, issuer.subject, key).add_extension(
            x509.BasicConstraints(False, None), critical=True
        )
        builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
        purposes = [ExtendedKeyUsageOID.CLIENT_AUTH]
        if names:
            purposes.append(ExtendedKeyUsageOID.SERVER_AUTH)
            builder = builder.add_extension(x509.SubjectAlternativeName(_general_names(names)), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        _write(pair, builder.sign(self.pair.load_key(), hashes.SHA256()), key)
        return pair


def signing_key(folder: Path, name: str) -> Pair:
    """A key and its public half, for service account tokens, made unless they are there."""
    pair = Pair(folder / f"{name}.pub", folder / f"{name}.key")
    if not (pair.certificate.exists() and pair.key.exists()):
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        _write_files(pair, public, key)
    return pair


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _LIFETIME)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_names(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _is_valid(pair: Pair, *, issuer: x509.Certificate | None, names: Sequence[str]) -> bool:
    if not (pair.certificate.exists() and pair.key.exists()):
        return False
    certificate = pair.load_certificate()
    if certificate.not_valid_after_utc < datetime.now(UTC) + _RENEW_BEFORE:
        return False
    if issuer is None:
        return True
    try:
        certificate.verify_directly_issued_by(issuer)
        held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value if names else ()
    except Exception:
        return False
    return set(held) == set(_general_names(names))


def _write(pair: Pair, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    _write_files(pair, certificate.public_bytes(serialization.Encoding.PEM), key)


def _write_files(pair: Pair, public: bytes, key: ec.EllipticCurvePrivateKey) -> None:
    pair.key.parent.mkdir(parents=True, exist_ok=True)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pair.key.unlink(missing_ok=True)
    with os.fdopen(os.open(pair.key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(private)
    pair.certificate.write_bytes(public)
