"""Certificates: who signed them, for whom, and when they are made again."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from devcluster import certificates
from devcluster.certificates import Authority, signing_key


def test_a_server_certificate_names_its_hosts_and_its_signer(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca")
    pair = authority.issue("server", "kubelet", groups=["system:nodes"], names=["198.18.0.1", "localhost"])
    certificate = pair.load_certificate()
    certificate.verify_directly_issued_by(authority.pair.load_certificate())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["198.18.0.1", "localhost"]
    assert certificate.subject.rfc4514_string() == "CN=kubelet,O=system:nodes"


def test_a_client_certificate_serves_nobody(tmp_path: Path) -> None:
    certificate = Authority(tmp_path, "ca").issue("client", "administrator").load_certificate()
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]


def test_what_is_valid_is_kept(tmp_path: Path) -> None:
    first = Authority(tmp_path, "ca").issue("server", "name", names=["localhost"]).certificate.read_bytes()
    assert Authority(tmp_path, "ca").issue("server", "name", names=["localhost"]).certificate.read_bytes() == first


def test_another_host_or_another_authority_needs_another_certificate(tmp_path: Path) -> None:
    first = Authority(tmp_path, "ca").issue("server", "name", names=["localhost"]).certificate.read_bytes()
    second = Authority(tmp_path, "ca").issue("server", "name", names=["127.0.0.1"]).certificate.read_bytes()
    assert second != first
    (tmp_path / "ca.crt").unlink()
    assert Authority(tmp_path, "ca").issue("server", "name", names=["127.0.0.1"]).certificate.read_bytes() != second


def test_what_soon_expires_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "_LIFETIME", timedelta(days=29))
    old = Authority(tmp_path, "ca").issue("server", "name").load_certificate()
    monkeypatch.undo()
    new = Authority(tmp_path, "ca").issue("server", "name").load_certificate()
    assert old.not_valid_after_utc < datetime.now(UTC) + timedelta(days=30) < new.not_valid_after_utc


def test_only_the_owner_reads_keys(tmp_path: Path) -> None:
    keys = [Authority(tmp_path, "ca").pair.key, signing_key(tmp_path, "service-account").key]
    assert [stat.S_IMODE(key.stat().st_mode) for key in keys] == [0o600, 0o600]
