"""Which way leads to a storage, and what its answers mean."""

import pytest
from transfermodel.cluster.errors import Forbidden
from transfermodel.cluster.storage import Credentials, InsideService, ObjectMissing, Refused, code_of, judge, service_of
from transfermodel.errors import Unreachable

KEYS = Credentials({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, "Secret s3")


@pytest.mark.parametrize(
    ("endpoint", "service"),
    [
        ("http://minio.storage.svc.cluster.local:9000", InsideService("http", "storage", "minio", 9000)),
        ("https://minio.storage.svc", InsideService("https", "storage", "minio", 443)),
        ("http://127.0.0.1:9000", None),
        ("http://10.96.0.7:9000", None),
        ("http://localhost:9000", None),
        (None, None),
    ],
)
def test_a_name_that_only_the_cluster_knows(endpoint: str | None, service: InsideService | None) -> None:
    assert service_of(endpoint) == service


def test_the_path_through_the_api_server() -> None:
    path = "/api/v1/namespaces/storage/services/https:minio:443/proxy"
    assert InsideService("https", "storage", "minio", 443).proxy == path


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, b"<Error><Code>NoSuchKey</Code></Error>", ObjectMissing),
        (404, b'{"kind":"Status","reason":"NotFound"}', Unreachable),
        (403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>", Refused),
        (403, b'{"kind":"Status","reason":"Forbidden"}', Forbidden),
        (503, b"no endpoints available", Unreachable),
    ],
)
def test_storage_is_told_from_the_api_server_in_between(status: int, body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        judge(status, body, "s3://models/a", KEYS, "http://minio")


def test_codes() -> None:
    assert judge(200, b"<html>", "s3://models/a", KEYS, "http://minio") == b"<html>"
    assert code_of("… <Code>NoSuchBucket</Code> …") == "NoSuchBucket"
    assert code_of("nothing") == ""
