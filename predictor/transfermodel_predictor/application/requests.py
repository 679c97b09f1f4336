"""What every protocol asks of a request."""

import asyncio
from typing import Final

from starlette.requests import Request

from transfermodel_predictor.protocol.errors import MediaTypeUnsupported, RequestInvalid, RequestTooSlow

BODY_SECONDS: Final = 20.0
"""For the first bytes, or all of a small body."""
BODY_RATE: Final = 50_000
"""Bytes a second that a longer body must come with on average."""


async def read_body(request: Request) -> bytes:
    """Return the body as it was sent.

    Raises:
        MediaTypeUnsupported: It is compressed: it would have to be unpacked before it can be measured.
        RequestTooLarge: It is above the limit.
        RequestInvalid: It was lost, behind a head that asks for another protocol.
        RequestTooSlow: It does not come, or so slowly that others wait for the memory that it takes.
    """
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.strip().lower() not in ("", "identity"):
        raise MediaTypeUnsupported(f"The body has the Content-Encoding {encoding[:40]!r}; send it as it is.")
    # Not a list: a chunk may be one byte, and a list of them many times as large as the body.
    whole, begun = bytearray(), asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(BODY_SECONDS) as time_left:
            async for chunk in request.stream():
                whole += chunk
                time_left.reschedule(begun + BODY_SECONDS + len(whole) / BODY_RATE)
    except TimeoutError as error:
        raise RequestTooSlow(
            f"After {len(whole)} bytes the body did not go on; it must come within {BODY_SECONDS:g} seconds, or with "
            f"{BODY_RATE // 1000} kB a second."
        ) from error
    if not whole and "upgrade" in request.headers:
        # The parser takes what follows such a head for another protocol's.
        raise RequestInvalid(
            f"The request asks for an upgrade to {request.headers['upgrade'][:40]!r}, which is not made here, and its "
            "body went by; send it without the header Upgrade, as HTTP/1.1 (Java: HttpClient.Version.HTTP_1_1)."
        )
    return bytes(whole)
