"""Buckets of Google Cloud and Azure: keys from variables, listings, objects, and what they refuse, over real HTTP."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from transfermodel_predictor.artifact.errors import StorageAccessDenied, StorageNotFound, StorageUnavailable
from transfermodel_predictor.artifact.storage import Storage, open_store

from tests.support.clouds import Cloud, cloud

pytestmark = pytest.mark.unit

OBJECTS = {"some folder/a/1.txt": b"one", "some folder/b/\u00fc 2.txt": b"two", "some folder/c": b"", "other/x": b"no"}
PREFIX = "TRANSFERMODEL_DATA_"


def google_key() -> str:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return json.dumps(
        {
            "type": "service_account",
            "private_key_id": "1",
            "private_key": private.decode(),
            "client_email": "reader@project.iam.gserviceaccount.com",
        }
    )


GOOGLE_KEY = {"GOOGLE_SERVICE_ACCOUNT_KEY": google_key()}
AZURE_KEY = {"AZURE_STORAGE_ACCOUNT_KEY": base64.b64encode(b"sixteen bytes...").decode()}
AZURE_TOKEN = {"AZURE_STORAGE_SAS_TOKEN": "?sv=2022-11-02&sr=c&sp=rl&sig=HIDDEN%3D"}


def opened(server: Cloud, uri: str, keys: dict[str, str]) -> Storage:
    variables = {
        "GOOGLE_BASE_URL": server.url + "/",
        "AZURE_STORAGE_ENDPOINT": server.url + "/",
        "AZURE_STORAGE_ACCOUNT_NAME": "account",
        **keys,
    }
    return open_store(uri, {PREFIX + name: value for name, value in variables.items()}, PREFIX)


@pytest.mark.parametrize(
    ("scheme", "keys"),
    [("gs", GOOGLE_KEY), ("gs", {}), ("az", AZURE_KEY), ("az", AZURE_TOKEN), ("az", {})],
    ids=["google", "google, public", "azure", "azure, token", "azure, public"],
)
def test_a_folder_of_a_bucket(scheme: str, keys: dict[str, str]) -> None:
    with cloud({"data": OBJECTS}) as server:
        storage = opened(server, f"{scheme}://data/some folder/", keys)
        assert [(entry.path, entry.size) for entry in storage.list()] == [
            ("a/1.txt", 3),
            ("b/\u00fc 2.txt", 3),
            ("c", 0),
        ]
        assert storage.get("b/\u00fc 2.txt") == b"two"
        assert (storage.info("a/1.txt").size, storage.info("a/1.txt").etag) == (3, '"1"')
        with pytest.raises(StorageNotFound, match=f"{scheme}://data/some folder/zz does not exist"):
            storage.get("zz")
        with pytest.raises(StorageNotFound, match=f"The bucket {scheme}://none does not exist"):
            list(opened(server, f"{scheme}://none/x", keys).list())
    signed = [headers.get("authorization", "") for _, _, headers in server.requests]
    if keys is GOOGLE_KEY:
        assert all(value.startswith("Bearer ey") for value in signed)
    elif keys is AZURE_KEY:
        assert all(value.startswith("SharedKey account:") for value in signed)
    else:
        assert not any(signed)
    queries = [parse_qs(urlsplit(path).query) for _, path, _ in server.requests]
    token = {"sv": ["2022-11-02"], "sr": ["c"], "sp": ["rl"], "sig": ["HIDDEN="]} if keys is AZURE_TOKEN else {}
    assert all({name: query.get(name) for name in token} == token for query in queries)
    assert keys is AZURE_TOKEN or not any("sig" in query for query in queries)


@pytest.mark.parametrize(
    ("scheme", "status", "code"),
    [
        ("gs", 403, "AccessDenied"),
        ("gs", 401, "AuthenticationRequired"),
        ("az", 403, "AuthenticationFailed"),
        ("az", 403, "AuthorizationPermissionMismatch"),
        ("az", 409, "PublicAccessNotPermitted"),
    ],
)
def test_a_refusal_names_the_keys_and_hides_them(scheme: str, status: int, code: str) -> None:
    with cloud({}, (status, code)) as server:
        storage = opened(server, f"{scheme}://data/x", GOOGLE_KEY | AZURE_TOKEN)
        for read in (lambda: storage.get("y"), lambda: list(storage.list())):
            with pytest.raises(
                StorageAccessDenied, match=rf"{scheme}://data/x.* is denied\. .*\({code}: no\)"
            ) as caught:
                read()
            assert "HIDDEN" not in str(caught.value)


@pytest.mark.parametrize(("scheme", "variable"), [("gs", "GOOGLE_BASE_URL"), ("az", "AZURE_STORAGE_ENDPOINT")])
def test_a_cloud_that_is_not_there(scheme: str, variable: str) -> None:
    with cloud({}) as server:
        pass
    with pytest.raises(StorageUnavailable, match=f"Check {variable}, and that it can be reached") as caught:
        opened(server, f"{scheme}://data/x", GOOGLE_KEY | AZURE_TOKEN).info("y")
    assert "HIDDEN" not in str(caught.value)


def test_without_a_key_nobody_is_asked_for_one() -> None:
    # On a node of Google Cloud the metadata address would answer, with what the node may do.
    with cloud({"data": {}}, (403, "AccessDenied")) as server, pytest.raises(StorageAccessDenied):
        opened(server, "gs://data/x", {}).put("y", b"z")
    ((method, *_),) = server.requests
    assert method == "PUT"


@pytest.mark.parametrize(
    ("uri", "keys", "said"),
    [
        ("gs://data/x", {"GOOGLE_SERVICE_ACCOUNT_KEY": "/secrets/key.json"}, "it takes the whole JSON file"),
        (
            "gs://data/x",
            {"GOOGLE_SERVICE_ACCOUNT_KEY": '{"type": "authorized_user"}'},
            "is no key of a service account",
        ),
        (
            "gs://data/x",
            {
                "GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(
                    dict.fromkeys(("client_email", "private_key", "private_key_id"), "HIDDEN")
                )
            },
            "cannot be opened: Error reading pem file",
        ),
        ("az://data/x", {"AZURE_STORAGE_ACCOUNT_NAME": ""}, "AZURE_STORAGE_ACCOUNT_NAME is not set"),
        ("az://data/x", {"AZURE_STORAGE_ACCOUNT_KEY": "HIDDEN!"}, "cannot be opened: Invalid Access Key"),
        ("az://data/x", {"AZURE_STORAGE_SAS_TOKEN": "HIDDEN"}, "cannot be opened: Missing component in SAS"),
    ],
)
def test_keys_that_cannot_be_right(uri: str, keys: dict[str, str], said: str) -> None:
    with pytest.raises(StorageAccessDenied, match=said) as caught:
        opened(Cloud("http://127.0.0.1:9"), uri, keys)
    assert "Correct the keys in the Secret." in str(caught.value)
    assert "HIDDEN" not in str(caught.value)
