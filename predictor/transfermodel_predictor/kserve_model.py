"""The model for people who run a kserve server of their own; our own server does without kserve.

from kserve import ModelServer
from transfermodel_predictor.kserve_model import TransferModel

ModelServer().start([TransferModel.from_environment()])
"""

import os
from collections.abc import Mapping
from typing import Any

from kserve import Model
from kserve.errors import InvalidInput, ModelNotReady

from transfermodel_predictor.artifact.download import Download
from transfermodel_predictor.artifact.names import MANIFEST, SERVED
from transfermodel_predictor.configuration import Configuration, read_configuration
from transfermodel_predictor.loading import load_classifier
from transfermodel_predictor.protocol import v1
from transfermodel_predictor.protocol.errors import NotReady, RequestInvalid
from transfermodel_predictor.service import Service


class TransferModel(Model):  # type: ignore[misc] # kserve ships no types
    """A version of a TransferModel, for version 1 of the protocol."""

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
        download = Download(configuration.artifact_uri, [MANIFEST, *SERVED], configuration.environment)
        self.service.serve(load_classifier(configuration, download))
        self.ready = True
        return True

    async def predict(
        self, payload: Any, headers: Mapping[str, str] | None = None, response_headers: Any = None
    ) -> dict[str, Any]:
        """Answer a request of version 1.

        Raises:
            InvalidInput: It must be changed; the message says how.
            ModelNotReady: It is still loading.
        """
        service = self.service
        try:
            samples = await service.read(v1.parse_request, payload, service.form, service.limits)
            return v1.answer(await service.predict(samples), service.version)
        except RequestInvalid as error:
            raise InvalidInput(str(error)) from error
        except NotReady as error:
            raise ModelNotReady(self.name, str(error)) from error
