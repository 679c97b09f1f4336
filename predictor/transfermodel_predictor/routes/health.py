"""Whether the process lives, whether the model can answer, and what is served."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from transfermodel_predictor.application.responses import json_response
from transfermodel_predictor.service import Service

SERVER: dict[str, Any] = {"name": "transfermodel-predictor", "extensions": ["binary_tensor_data"]}

WAIT_SECONDS: Final = 0.9
"""For a model that is loading. Who asks is told when it is ready, not when it asks again: Knative's activator asks
every 0.2 s, the kubelet every second, and where nothing else is said, Kubernetes waits 1 s for an answer."""


def routes(service: Service) -> list[Route]:
    """Return the paths."""

    async def alive(_: Request) -> Response:
        return json_response({"status": "alive"})

    async def live(_: Request) -> Response:
        return json_response({"live": True})

    async def ready(_: Request) -> Response:
        await service.settled(WAIT_SECONDS)
        service.check_ready()
        return json_response({"ready": True})

    async def models(_: Request) -> Response:
        return json_response({"models": [service.name]})

    async def server(_: Request) -> Response:
        from transfermodel_predictor import __version__

        return json_response(SERVER | {"version": __version__})

    return [
        Route("/", alive),
        Route("/v2", server),
        Route("/v2/health/live", live),
        Route("/v2/health/ready", ready),
        Route("/v1/models", models),
        Route("/v2/models", models),
    ]
