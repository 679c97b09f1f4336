"""Version 1 of KServe's protocol: the model, and `:predict`, also as a CloudEvent."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from transfermodel_predictor.application.requests import read_body
from transfermodel_predictor.application.responses import json_response
from transfermodel_predictor.protocol import v1
from transfermodel_predictor.protocol.sources import EncodedSample, parse_json
from transfermodel_predictor.routes import cloud_events
from transfermodel_predictor.service import Service


def routes(service: Service) -> list[Route]:
    """Return the paths."""

    def parse(body: bytes) -> list[EncodedSample]:
        return v1.parse_request(parse_json(body), service.form, service.limits)

    async def model(request: Request) -> Response:
        service.check(request.path_params["model_name"])
        described = service.metadata()
        return json_response(
            {
                "name": service.name,
                "ready": True,
                "version": service.version,
                **{key: described[key] for key in ("inputs", "outputs", "labels", "parameters")},
            }
        )

    async def predict(request: Request) -> Response:
        service.check(request.path_params["model_name"])
        body = await read_body(request)
        event = cloud_events.opened(request.headers, body)
        samples = await service.read(parse, body if event is None else event.data)
        answer = v1.answer(await service.predict(samples), service.version)
        return json_response(answer) if event is None else event.answered(service.name, answer)

    return [
        Route("/v1/models/{model_name}", model),
        Route("/v1/models/{model_name}:predict", predict, methods=["POST"]),
    ]
