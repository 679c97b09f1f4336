"""The demo's data in object storage."""

import asyncio
import hashlib
from dataclasses import dataclass

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from examples.common.errors import DemoError
from examples.digits.dataset import Files

AT_ONCE = 32
"""Uploads that run side by side."""


@dataclass(frozen=True)
class Upload:
    """What an upload did."""

    sent: int
    unchanged: int
    foreign: int
    """Objects below the prefix that are not ours: a TransferModel would learn from them too."""


def open_bucket(s3: dict[str, str], bucket: str) -> S3Store:
    """Open a bucket of the S3 server."""
    endpoint = s3["endpoint"]
    return S3Store(
        bucket,
        endpoint=endpoint,
        access_key_id=s3["accessKey"],
        secret_access_key=s3["secretKey"],
        region="us-east-1",
        client_options={"allow_http": endpoint.startswith("http://")},
    )


def upload(store: S3Store, prefix: str, files: Files) -> Upload:
    """Store the files that are not there yet.

    What is there stays untouched: a new object, even of the same bytes, may get a new ETag, and the runs that learned
    from the old one would no longer count.

    Raises:
        DemoError: storage refuses.
    """
    try:
        there = {
            entry["path"].removeprefix(f"{prefix}/"): str(entry["e_tag"]).strip('"')
            for batch in obstore.list(store, f"{prefix}/")
            for entry in batch
        }
        # Not for security: S3's ETag of an object that was sent in one piece is its MD5.
        changed = {
            name: content
            for name, content in files.items()
            if there.get(name) != hashlib.md5(content, usedforsecurity=False).hexdigest()
        }
        asyncio.run(_put(store, prefix, changed))
    except (BaseError, OSError) as error:
        raise DemoError(
            f"Storing the data failed: {str(error).splitlines()[0]}. The buckets `datasets` and `models` must exist, "
            "and the credentials must be allowed to write to them."
        ) from error
    return Upload(len(changed), len(files) - len(changed), len(there.keys() - files.keys()))


async def _put(store: S3Store, prefix: str, files: Files) -> None:
    slots = asyncio.Semaphore(AT_ONCE)

    async def put(name: str, content: bytes) -> None:
        async with slots:
            await obstore.put_async(store, f"{prefix}/{name}", content)

    await asyncio.gather(*(put(name, content) for name, content in files.items()))


def download(s3: dict[str, str], uri: str) -> bytes:
    """Return one object of the S3 server.

    Raises:
        DemoError: it cannot be read.
    """
    bucket, _, path = uri.removeprefix("s3://").partition("/")
    try:
        return bytes(obstore.get(open_bucket(s3, bucket), path).bytes())
    except (BaseError, OSError) as error:
        raise DemoError(f"Reading {uri} failed: {str(error).splitlines()[0]}") from error
