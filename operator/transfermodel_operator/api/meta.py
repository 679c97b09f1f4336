"""Names of the API, and the base class of its types."""

from typing import Final

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

GROUP: Final = "transferlearning.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "TransferModel"
PLURAL: Final = "transfermodels"


class ApiModel(BaseModel):
    """A type of the API: camelCase on the wire, immutable, and an unknown field is an error.

    Field docstrings become the CRD's descriptions.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )

    def to_wire(self) -> dict[str, object]:
        """Return the JSON form: camelCase keys, no nulls."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
