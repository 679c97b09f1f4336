"""/metrics, for Prometheus."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from transfermodel_predictor.service import Service


def routes(service: Service) -> list[Route]:
    """Return the path."""

    async def metrics(request: Request) -> Response:
        content, media_type = await asyncio.to_thread(service.metrics.exposition, request.headers.get("accept"))
        return Response(content, media_type=media_type)

    return [Route("/metrics", metrics)]
