"""What is served, told by itself: /openapi.json for programs, /docs for people."""

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from transfermodel_predictor.application.responses import json_response
from transfermodel_predictor.service import Service


def routes(service: Service) -> list[Route]:
    """Return the paths."""

    def described() -> dict[str, Any]:
        # Nothing of this is needed to answer requests: it is imported when somebody wants to read it.
        from transfermodel_predictor.protocol.openapi.document import Served, document

        return document(Served(service.name, service.version, service.form, service.labels, service.limits))

    async def openapi(_: Request) -> Response:
        return json_response(await service.read(described))

    async def docs(request: Request) -> Response:
        from transfermodel_predictor.protocol.openapi.page import page, security_policy, server_address

        address = server_address(request.url.scheme, request.headers.get("host", ""))
        content = await service.read(lambda: page(described(), service.form, address))
        headers = {"Content-Security-Policy": security_policy(), "X-Content-Type-Options": "nosniff"}
        return HTMLResponse(content, headers=headers)

    return [Route("/openapi.json", openapi), Route("/docs", docs)]
