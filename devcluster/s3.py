"""The S3 server: versitygw over a folder of this machine, for the host on loopback and for pods on the bridge."""

import json
import secrets
from dataclasses import asdict, dataclass

from devcluster import golang, health, paths, versions
from devcluster.files import write_json
from devcluster.processes import Process

# What the chart's values and the examples write to; a bucket is a folder of the server's root.
BUCKETS = ("datasets", "models")
_HEALTH_PATH = "/healthz"


@dataclass(frozen=True)
class Credentials:
    """Of the one user, who may do everything."""

    access_key: str
    secret_key: str


def credentials() -> Credentials:
    """Random keys, made once per cluster; only root can read them."""
    file = paths.STATE / "s3-credentials.json"
    if not file.exists():
        made = Credentials(f"devcluster{secrets.token_hex(5)}", secrets.token_urlsafe(30))
        write_json(file, asdict(made), mode=0o600)
    return Credentials(**json.loads(file.read_text()))


def endpoint() -> str:
    """Where the host finds it."""
    return f"http://127.0.0.1:{versions.S3_PORT}"


def process() -> Process:
    """The server; makes its folder and buckets."""
    for bucket in BUCKETS:
        (paths.S3 / bucket).mkdir(parents=True, exist_ok=True)
    keys = credentials()
    command = (
        str(golang.build("versitygw") / "versitygw"),
        f"--port=127.0.0.1:{versions.S3_PORT}",
        f"--port={versions.NODE_ADDRESS}:{versions.S3_PORT}",
        f"--health={_HEALTH_PATH}",
        "--keep-alive",
        "--quiet",
        "posix",
        str(paths.S3),
    )
    return Process(
        name="versitygw",
        command=command,
        healthy=lambda: health.answers(endpoint() + _HEALTH_PATH),
        environment={"ROOT_ACCESS_KEY": keys.access_key, "ROOT_SECRET_KEY": keys.secret_key},
    )
