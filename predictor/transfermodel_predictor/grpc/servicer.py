"""What each method of the service answers, and the status of what is refused."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn, TypeAlias, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from transfermodel_predictor import __version__
from transfermodel_predictor.grpc import conversion, messages
from transfermodel_predictor.observation import request_id
from transfermodel_predictor.observation.logs import log_fault
from transfermodel_predictor.observation.metrics import Protocol
from transfermodel_predictor.observation.request_record import Outcome, note_reason
from transfermodel_predictor.protocol.errors import NotReady, Overloaded, RequestInvalid, RequestRefused, UnknownModel
from transfermodel_predictor.routes.health import SERVER
from transfermodel_predictor.service import Service

PREFIX: Final = "/inference.GRPCInferenceService/"
PROBES: Final = ("ServerLive", "ServerReady", "ModelReady")
"""These are not seen as requests."""
LOADING: Final = ("RepositoryModelLoad", "RepositoryModelUnload")
"""Clients of kserve and Triton know them; the protocol does not."""
STATUSES: Final[tuple[tuple[type[RequestRefused], grpc.StatusCode], ...]] = (
    (UnknownModel, grpc.StatusCode.NOT_FOUND),
    (RequestInvalid, grpc.StatusCode.INVALID_ARGUMENT),
    (Overloaded, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (NotReady, grpc.StatusCode.UNAVAILABLE),
)
"""The first that fits."""

M = TypeVar("M", bound=Message)
Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"
Method = Callable[[bytes], Awaitable[Message]]


class Servicer(grpc.GenericRpcHandler):
    """Answers for one Service. Messages come and go as bytes: large ones are read off the event loop."""

    def __init__(self, service: Service) -> None:
        """Take whose requests these are."""
        self._service = service
        self._methods: dict[str, Method] = {
            "ServerLive": self._server_live,
            "ServerReady": self._server_ready,
            "ModelReady": self._model_ready,
            "ServerMetadata": self._server_metadata,
            "ModelMetadata": self._model_metadata,
            "ModelInfer": self._model_infer,
        }

    def service(self, details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        """Return what answers a method; None: gRPC says that there is none."""
        name = details.method.removeprefix(PREFIX)
        if name in LOADING:
            return grpc.unary_unary_rpc_method_handler(_refuse_loading)
        method = self._methods.get(name)
        if method is None:
            return None

        async def answer(body: bytes, context: Context) -> bytes:
            return await self._answer(name, method, body, context)

        return grpc.unary_unary_rpc_method_handler(answer)

    async def _answer(self, name: str, method: Method, body: bytes, context: Context) -> bytes:
        metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        identifier = request_id.begin(metadata.get(request_id.HEADER))
        await context.send_initial_metadata(((request_id.HEADER, identifier),))
        if name in PROBES:
            return await _told(method, body, context, Outcome())
        protocol: Protocol = "grpc" if name == "ModelInfer" else "other"
        with self._service.observer.request(protocol, PREFIX + name, metadata) as outcome:
            return await _told(method, body, context, outcome)

    async def _server_live(self, _: bytes) -> messages.ServerLiveResponse:
        return messages.ServerLiveResponse(live=True)

    async def _server_ready(self, _: bytes) -> messages.ServerReadyResponse:
        return messages.ServerReadyResponse(ready=self._service.ready)

    async def _model_ready(self, body: bytes) -> messages.ModelReadyResponse:
        asked = _read(messages.ModelReadyRequest, body)
        try:
            self._service.check(asked.name, asked.version or None)
        except NotReady:
            return messages.ModelReadyResponse(ready=False)
        return messages.ModelReadyResponse(ready=True)

    async def _server_metadata(self, _: bytes) -> messages.ServerMetadataResponse:
        return messages.ServerMetadataResponse(name=SERVER["name"], version=__version__)

    async def _model_metadata(self, body: bytes) -> messages.ModelMetadataResponse:
        asked = _read(messages.ModelMetadataRequest, body)
        self._service.check(asked.name, asked.version or None)
        return conversion.write_metadata(self._service.metadata())

    async def _model_infer(self, body: bytes) -> messages.ModelInferResponse:
        service = self._service
        message = await service.read(_read, messages.ModelInferRequest, body)
        service.check(message.model_name, message.model_version or None)
        asked = await service.read(conversion.read_request, message, service.form, service.limits)
        predictions = await service.predict(asked.sources)
        return conversion.write_answer(message, asked, predictions, service.name, service.version, service.digest)


def _read(kind: type[M], body: bytes) -> M:
    try:
        return kind.FromString(body)
    except DecodeError as error:
        raise RequestInvalid(f"The message is no {kind.DESCRIPTOR.name} of the Open Inference Protocol.") from error


async def _told(method: Method, body: bytes, context: Context, outcome: Outcome) -> bytes:
    """Return a method's answer, or end the call with the status of what it raised."""
    outcome.code, outcome.request_bytes = grpc.StatusCode.INTERNAL.name, len(body)
    try:
        answer = (await method(body)).SerializeToString()
    except RequestRefused as error:
        status = next(status for kind, status in STATUSES if isinstance(error, kind))
        note_reason(type(error).__name__)
        outcome.code = status.name
        await context.abort(status, str(error), tuple((name.lower(), value) for name, value in error.headers.items()))
    except asyncio.CancelledError:  # the client went away, or its deadline is over
        note_reason("ClientDisconnect")
        outcome.code = grpc.StatusCode.CANCELLED.name
        raise
    except Exception as error:
        note_reason("Unexpected")
        log_fault(error)
        await context.abort(grpc.StatusCode.INTERNAL, "The predictor failed; its log says why.")
    outcome.code, outcome.response_bytes = grpc.StatusCode.OK.name, len(answer)
    return answer


async def _refuse_loading(_: bytes, context: Context) -> NoReturn:
    await context.abort(
        grpc.StatusCode.UNIMPLEMENTED, "Models cannot be loaded or unloaded here: each version has pods of its own."
    )
