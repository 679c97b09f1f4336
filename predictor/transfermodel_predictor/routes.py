"""The paths that are served: those of kserve that make sense for one fixed model, and version 2 read by ourselves.

kserve's own reader of version 2 takes binary BYTES for UTF-8 text, so no image gets through, and answers several kinds
of bad input with a 500. Its routes to load and unload models are left out: they are open to everybody.
"""

from typing import Any

import orjson
from fastapi import APIRouter
from kserve.errors import ModelNotReady, ServerNotReady
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.rest.server import metrics_handler
from starlette.requests import Request
from starlette.responses import Response

from transfermodel_predictor.model import TransferModel, V2Body
from transfermodel_predictor.protocol.errors import MediaTypeUnsupported, RequestInvalid, UnknownModel
from transfermodel_predictor.protocol.v2 import HEADER, InferenceResponse

CLOUD_EVENT_HEADERS = ("ce-id", "ce-source", "ce-type", "ce-specversion")


class OneModel(DataPlane):  # type: ignore[misc] # kserve ships no types
    """kserve's data plane for one model that becomes ready while the server already listens."""

    def __init__(self, registry: Any, model: TransferModel) -> None:
        """Keep the model at hand."""
        super().__init__(registry)
        self.model = model

    async def ready(self) -> bool:
        """Tell whether the model has answered once; kserve's says yes from the start."""
        return bool(self.model.ready)

    def metadata(self) -> dict[str, Any]:
        """Describe the server."""
        described: dict[str, Any] = super().metadata()
        return described | {"extensions": ["binary_tensor_data"]}

    async def model_metadata(self, model_name: str) -> dict[str, Any]:
        """Describe the model."""
        self.checked(model_name)
        return self.model.metadata()

    async def model_ready(self, model_name: str, disable_predictor_health_check: bool = False) -> bool:
        """Tell whether requests can be answered.

        Raises:
            UnknownModel: There is no such model.
        """
        if model_name != self.model.name:
            raise UnknownModel(f"There is no model {model_name[:80]!r} here; the model is {self.model.name!r}.")
        return bool(self.model.ready)

    def checked(self, model_name: str, version: str | None = None) -> None:
        """Raise unless it is this model, this version, and ready.

        Raises:
            UnknownModel: There is no such model, or no such version of it.
            ModelNotReady: It is still loading.
        """
        if model_name != self.model.name:
            raise UnknownModel(f"There is no model {model_name[:80]!r} here; the model is {self.model.name!r}.")
        serves = self.model.configuration.version
        if version is not None and version != serves:
            raise UnknownModel(f"There is no version {version[:80]!r} of {model_name!r} here; it serves {serves!r}.")
        if not self.model.ready:
            raise ModelNotReady(model_name, "It is still loading; ask again in a moment.")

    def decode(
        self, body: Any, headers: dict[str, str], protocol_version: str = "v1", model_name: str | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Hand the body on as it came, to be read off the event loop; open CloudEvents.

        Raises:
            RequestInvalid: A CloudEvent cannot be opened.
        """
        structured = headers.get("content-type", "").startswith("application/cloudevents+json")
        if not structured and not all(name in headers for name in CLOUD_EVENT_HEADERS):
            return body, {}
        try:
            payload, attributes = super().decode(body, headers)
        except Exception as error:  # the CloudEvents library raises anything
            raise RequestInvalid(f"The CloudEvent cannot be read: {error}") from error
        if not isinstance(payload, dict):
            raise RequestInvalid("The CloudEvent's data is not a JSON object.")
        return payload, attributes


class Routes:
    """Handlers; JSON is written by orjson."""

    def __init__(self, plane: OneModel) -> None:
        """Keep the data plane."""
        self.plane = plane

    def router(self) -> APIRouter:
        """Return all paths."""
        router = APIRouter()
        model = "/v2/models/{model_name}"
        for path, handler, method in (
            ("/", self.live, "GET"),
            ("/metrics", metrics_handler, "GET"),
            ("/v1/models", self.models, "GET"),
            ("/v1/models/{model_name}", self.v1_model, "GET"),
            ("/v1/models/{model_name}:predict", self.v1_predict, "POST"),
            ("/v2", self.server, "GET"),
            ("/v2/health/live", self.v2_live, "GET"),
            ("/v2/health/ready", self.v2_ready, "GET"),
            ("/v2/models", self.models, "GET"),
            (model, self.v2_model, "GET"),
            (f"{model}/versions/{{model_version}}", self.v2_model, "GET"),
            (f"{model}/ready", self.v2_model_ready, "GET"),
            (f"{model}/versions/{{model_version}}/ready", self.v2_model_ready, "GET"),
            (f"{model}/infer", self.v2_infer, "POST"),
            (f"{model}/versions/{{model_version}}/infer", self.v2_infer, "POST"),
        ):
            router.add_route(path, handler, methods=[method])
        return router

    async def live(self, request: Request) -> Response:
        """Answer that the process lives."""
        return json_response({"status": "alive"})

    async def models(self, request: Request) -> Response:
        """List the one model."""
        return json_response({"models": [self.plane.model.name]})

    async def server(self, request: Request) -> Response:
        """Describe the server."""
        return json_response(self.plane.metadata())

    async def v1_model(self, request: Request) -> Response:
        """Describe the model, in version 1: whether it is ready, and what it is."""
        name = request.path_params["model_name"]
        self.plane.checked(name)
        described = self.plane.model.metadata()
        return json_response(
            {
                "name": name,
                "ready": True,
                "version": self.plane.model.configuration.version,
                **{key: described[key] for key in ("inputs", "outputs", "labels", "parameters")},
            }
        )

    async def v1_predict(self, request: Request) -> Response:
        """Answer a request of version 1."""
        name = request.path_params["model_name"]
        self.plane.checked(name)
        check_encoding(request)
        headers = dict(request.headers)
        payload, attributes = self.plane.decode(await request.body(), headers)
        answer, _ = await self.plane.infer(name, payload, headers)
        content, answer_headers = self.plane.encode(name, answer, headers, attributes)
        if isinstance(content, bytes | str):  # a CloudEvent
            return Response(content, headers=answer_headers)
        response = json_response(content)
        response.headers.update(answer_headers)
        return response

    async def v2_live(self, request: Request) -> Response:
        """Answer that the process lives."""
        return json_response({"live": True})

    async def v2_ready(self, request: Request) -> Response:
        """Answer whether requests can be served."""
        if not await self.plane.ready():
            raise ServerNotReady("The model is still loading; ask again in a moment.")
        return json_response({"ready": True})

    async def v2_model(self, request: Request) -> Response:
        """Describe the model."""
        self.plane.checked(request.path_params["model_name"], request.path_params.get("model_version"))
        return json_response(self.plane.model.metadata())

    async def v2_model_ready(self, request: Request) -> Response:
        """Answer whether the model can answer."""
        name = request.path_params["model_name"]
        self.plane.checked(name, request.path_params.get("model_version"))
        return json_response({"name": name, "ready": True})

    async def v2_infer(self, request: Request) -> Response:
        """Answer a request of version 2."""
        name = request.path_params["model_name"]
        self.plane.checked(name, request.path_params.get("model_version"))
        check_encoding(request)
        payload = V2Body(await request.body(), request.headers.get(HEADER))
        answer: InferenceResponse
        answer, _ = await self.plane.infer(name, payload, dict(request.headers))
        if answer.json_length is None:
            return Response(answer.body, media_type="application/json")
        headers = {HEADER: str(answer.json_length)}
        return Response(answer.body, media_type="application/octet-stream", headers=headers)


def check_encoding(request: Request) -> None:
    """Refuse compressed bodies: they would have to be unpacked before they can be measured.

    Raises:
        MediaTypeUnsupported: It is one.
    """
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.strip().lower() not in ("", "identity"):
        raise MediaTypeUnsupported(f"The body has the Content-Encoding {encoding[:40]!r}; send it as it is.")


def json_response(content: Any, status: int = 200) -> Response:
    """Write JSON."""
    return Response(orjson.dumps(content), status, media_type="application/json")
