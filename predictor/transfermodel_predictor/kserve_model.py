"""The model for people who run a kserve server of their own; our own server does without kserve.

from kserve import ModelServer
from transfermodel_predictor.kserve_model import TransferModel

ModelServer().start([TransferModel.from_environment()])
"""

import os
from collections.abc import Mapping
from typing import Any

from kserve import InferOutput, InferRequest, InferResponse, Model
from kserve.errors import InvalidInput, ModelNotReady
from starlette.exceptions import HTTPException

from transfermodel_predictor.artifact.download import download_served
from transfermodel_predictor.configuration import Configuration, read_configuration
from transfermodel_predictor.loading import load_classifier
from transfermodel_predictor.protocol import v1, v2
from transfermodel_predictor.protocol.errors import NotReady, Overloaded, RequestInvalid
from transfermodel_predictor.protocol.parameters import TOP_K, gathered, top_k_of
from transfermodel_predictor.service import Service


class TransferModel(Model):  # type: ignore[misc] # kserve ships no types
    """A version of a TransferModel, for versions 1 and 2 of the protocol."""

    def __init__(self, configuration: Configuration) -> None:
        """Take the configuration; `load` reads the artifact."""
        super().__init__(configuration.model_name)
        self.configuration = configuration
        self.service = Service(configuration)

    @classmethod
    def from_environment(cls) -> "TransferModel":
        """Return the model that the environment names, loaded.

        Raises:
            ConfigurationInvalid: A variable is missing or makes no sense.
            ArtifactError: Storage failed, or the artifact cannot be used.
        """
        model = cls(read_configuration(os.environ))
        model.load()
        return model

    def load(self) -> bool:
        """Read the artifact, and be ready. Raises ArtifactError."""
        configuration = self.configuration
        download = download_served(configuration.artifact_uri, configuration.precision, configuration.environment)
        self.service.serve(load_classifier(configuration, download))
        self.ready = True
        return True

    def get_input_types(self) -> list[dict[str, Any]]:
        """Return the inputs of version 2."""
        inputs: list[dict[str, Any]] = self.service.metadata()["inputs"]
        return inputs

    def get_output_types(self) -> list[dict[str, Any]]:
        """Return the outputs of version 2."""
        outputs: list[dict[str, Any]] = self.service.metadata()["outputs"]
        return outputs

    async def predict(
        self,
        payload: dict[str, Any] | InferRequest,
        headers: Mapping[str, str] | None = None,
        response_headers: Any = None,
    ) -> dict[str, Any] | InferResponse:
        """Answer a request, of version 2 where kserve has made an InferRequest of it.

        Raises:
            InvalidInput: It must be changed; the message says how.
            ModelNotReady: It is still loading.
            HTTPException: 429, too much is waiting already.
        """
        try:
            if isinstance(payload, InferRequest):
                return await self._infer(payload)
            service = self.service
            top_k = top_k_of(gathered([], payload, (TOP_K,)))
            samples = await service.read(v1.parse_request, payload, service.form, service.limits)
            return v1.answer(await service.predict(samples), service.version, top_k)
        except RequestInvalid as error:
            raise InvalidInput(str(error)) from error
        except NotReady as error:
            raise ModelNotReady(self.name, str(error)) from error
        except Overloaded as error:
            raise HTTPException(error.status, str(error), dict(error.headers)) from error

    async def _infer(self, request: InferRequest) -> InferResponse:
        service = self.service
        asked = await service.read(self._asked, request)
        tensors = v2.output_tensors(await service.predict(asked.sources), asked.top_k)
        return InferResponse(
            request.id or asked.id,
            self.name,
            [InferOutput(name, *_tensor(tensors[name])) for name in asked.outputs],
            model_version=service.version,
            parameters={"digest": service.digest},
            use_binary_outputs=request.use_binary_outputs,
            requested_outputs=request.request_outputs,
        )

    def _asked(self, request: InferRequest) -> v2.InferenceRequest:
        form, limits = self.service.form, self.service.limits
        if request.from_grpc:
            from transfermodel_predictor.grpc.conversion import read_request

            return read_request(request.to_grpc(), form, limits)
        body, json_length = request.to_rest()
        if json_length is None:
            return v2.read_request(body, b"", form, limits)
        return v2.parse_request(body, str(json_length), form, limits)


def _tensor(tensor: v2.OutputTensor) -> tuple[list[int], str, list[Any]]:
    datatype, shape, values = tensor
    return shape, datatype, list(values)
