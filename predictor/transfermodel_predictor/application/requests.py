"""What every protocol asks of a request."""

from starlette.requests import Request

from transfermodel_predictor.protocol.errors import MediaTypeUnsupported


async def read_body(request: Request) -> bytes:
    """Return the body as it was sent.

    Raises:
        MediaTypeUnsupported: It is compressed: it would have to be unpacked before it can be measured.
        RequestTooLarge: It is above the limit.
    """
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.strip().lower() not in ("", "identity"):
        raise MediaTypeUnsupported(f"The body has the Content-Encoding {encoding[:40]!r}; send it as it is.")
    return await request.body()
