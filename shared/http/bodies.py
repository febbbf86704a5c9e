"""Bodies of requests that are JSON objects."""

from typing import Any

from pydantic_core import from_json
from starlette.requests import Request

from shared.http.problems import HttpError


class InvalidBody(HttpError):
    """The body is not the JSON object that is wanted here."""

    code = "INVALID_BODY"


async def json_object(request: Request, *, most: int) -> dict[str, Any]:
    """Read a body of at most so many bytes; none is an empty object. Raises InvalidBody."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise InvalidBody
    try:
        content = from_json(body or b"{}", allow_inf_nan=False)
    except ValueError:
        raise InvalidBody from None
    if not isinstance(content, dict):
        raise InvalidBody
    return content
