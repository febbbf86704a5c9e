"""Messages from what staff wrote, and the answer to it."""

from typing import Any, TypeVar

from pydantic import ValidationError

from shared.errors import MessageRefused
from shared.messages.base import Message

M = TypeVar("M", bound=Message)


def message(kind: type[M], **fields: Any) -> M:  # noqa: ANN401 - fields of any message
    """Make a message; raises MessageRefused, which names the fields at fault."""
    try:
        return kind(**fields)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise MessageRefused(f"this can't be asked for: {faults}") from None
