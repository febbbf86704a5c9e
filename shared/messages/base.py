"""What all messages have in common: lenient on the way in, strict on the way out."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A frozen value; fields that it does not know are dropped when it is read."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True)


class Message(Model):
    """A message of the wire format."""

    schema_name: ClassVar[str]
    """File name of its JSON Schema, as FEGA calls it."""

    routing_key: ClassVar[str]
    """Key with which it is published on the exchange."""

    def body(self) -> str:
        """Return the JSON text that goes out, without fields that are not set."""
        return self.model_dump_json(by_alias=True, exclude_none=True)
