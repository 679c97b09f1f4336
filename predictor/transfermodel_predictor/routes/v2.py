"""Version 2, the Open Inference Protocol: the model, and `/infer`."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from transfermodel_predictor.application.requests import read_body
from transfermodel_predictor.application.responses import json_response
from transfermodel_predictor.protocol import v2
from transfermodel_predictor.service import Service


def routes(service: Service) -> list[Route]:
    """Return the paths, each for the model and for its version."""

    def check(request: Request) -> None:
        service.check(request.path_params["model_name"], request.path_params.get("model_version"))

    async def model(request: Request) -> Response:
        check(request)
        return json_response(service.metadata())

    async def ready(request: Request) -> Response:
        check(request)
        return json_response({"name": service.name, "ready": True})

    async def infer(request: Request) -> Response:
        check(request)
        body, length = await read_body(request), request.headers.get(v2.HEADER)
        asked = await service.read(v2.parse_request, body, length, service.form, service.limits)
        predictions = await service.predict(asked.sources)
        answer = v2.answer(asked, predictions, service.name, service.version, service.digest)
        if answer.json_length is None:
            return Response(answer.body, media_type="application/json")
        headers = {v2.HEADER: str(answer.json_length)}
        return Response(answer.body, media_type="application/octet-stream", headers=headers)

    return [
        Route(f"/v2/models/{{model_name}}{version}{path}", handler, methods=[method])
        for version in ("", "/versions/{model_version}")
        for path, handler, method in (("", model, "GET"), ("/ready", ready, "GET"), ("/infer", infer, "POST"))
    ]
