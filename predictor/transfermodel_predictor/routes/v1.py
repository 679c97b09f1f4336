"""Version 1 of KServe's protocol: the model, and `:predict`."""

from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from transfermodel_predictor.application.responses import json_response
from transfermodel_predictor.protocol import v1
from transfermodel_predictor.protocol.parameters import TOP_K, top_k_of
from transfermodel_predictor.routes.v1_requests import read_request
from transfermodel_predictor.service import Service

TOLD = ("inputs", "outputs", "labels", "parameters", "explanation")
"""Of version 2's metadata."""


class NameConvertor(StringConvertor):
    """A model's name: not what follows the colon, which is another path and takes other methods."""

    regex = "[^/:]+"


register_url_convertor("name", NameConvertor())


def routes(service: Service) -> list[Route]:
    """Return the paths."""

    async def model(request: Request) -> Response:
        service.check(request.path_params["model_name"])
        described = service.metadata()
        return json_response(
            {
                "name": service.name,
                "ready": True,
                "version": service.version,
                **{key: described[key] for key in TOLD},
            }
        )

    async def predict(request: Request) -> Response:
        service.check(request.path_params["model_name"])
        asked = await read_request(service, request, (TOP_K,))
        top_k = top_k_of(asked.parameters)
        answer = v1.answer(await service.predict(asked.samples), service.version, top_k)
        return asked.answered(service.name, answer)

    return [
        Route("/v1/models/{model_name:name}:predict", predict, methods=["POST"]),
        Route("/v1/models/{model_name:name}", model),
    ]
