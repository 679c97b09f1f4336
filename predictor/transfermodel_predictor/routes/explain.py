"""`:explain` of version 1: what the answers rest on."""

from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from transfermodel_predictor.protocol import v1
from transfermodel_predictor.protocol.explain import PARAMETERS, check_budget, options_of
from transfermodel_predictor.protocol.parameters import top_k_of
from transfermodel_predictor.routes.v1_requests import read_request
from transfermodel_predictor.service import Service

if TYPE_CHECKING:
    from transfermodel_predictor.explanation.explainer import Explainer


def routes(service: Service) -> list[Route]:
    """Return the path."""
    explainer: Explainer | None = None

    async def explain(request: Request) -> Response:
        nonlocal explainer
        service.check(request.path_params["model_name"])
        asked = await read_request(service, request, PARAMETERS)
        options = options_of(asked.parameters, service.form, service.labels)
        top_k = top_k_of(asked.parameters)
        check_budget(len(asked.samples), options, service.form)

        async def go_on() -> None:
            if await request.is_disconnected():
                raise ClientDisconnect

        if explainer is None:
            # Few ask for explanations, and a pod that wakes has no time for what they need.
            from transfermodel_predictor.explanation.explainer import Explainer

            explainer = Explainer(service)
        explained = await explainer.explain(asked.samples, options, go_on)
        answer = v1.answer([one.prediction for one in explained], service.version, top_k)
        return asked.answered(service.name, answer | {"explanations": [one.explanation for one in explained]})

    return [Route("/v1/models/{model_name:name}:explain", explain, methods=["POST"])]
