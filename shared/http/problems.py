"""Errors as clients see them: problem details (RFC 9457) with `errorCode` and `correlationId`."""

import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import ClassVar

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shared.access.tokens import NotAuthenticated
from shared.crypto.errors import BadPublicKey
from shared.errors import StrongroomError, UserError
from shared.http.correlation import correlation_id

log = structlog.get_logger(__name__)

Answer = Callable[[Request, Exception], Awaitable[Response]]


class HttpError(UserError):
    """The request cannot be answered as it is."""

    status: ClassVar[HTTPStatus] = HTTPStatus.BAD_REQUEST
    code: ClassVar[str] = "BAD_REQUEST"

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers that the answer carries besides."""
        return {}


class Forbidden(HttpError):
    """This does not exist, or you may not read it."""

    status = HTTPStatus.FORBIDDEN
    code = "ACCESS_DENIED"


class MethodNotAllowed(HttpError):
    """This path has no such method."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    code = "METHOD_NOT_ALLOWED"

    def __init__(self, allowed: str) -> None:
        self.allowed = allowed
        super().__init__()

    @property
    def headers(self) -> Mapping[str, str]:
        """The methods that it has."""
        return {"Allow": self.allowed}


class _Unauthorized(HttpError):
    """Send a valid access token as `Authorization: Bearer`."""

    status = HTTPStatus.UNAUTHORIZED
    code = "NOT_AUTHENTICATED"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class _KeyInvalid(HttpError):
    """The public key cannot be read."""

    code = "KEY_INVALID"


class _Unavailable(HttpError):
    """The archive cannot answer now; try again later."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "UNAVAILABLE"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": "10"}


def as_http(error: StrongroomError) -> HttpError:
    """Return what a client is told of an error; what is not the client's fault is never told in detail."""
    if isinstance(error, HttpError):
        return error
    if isinstance(error, NotAuthenticated):
        return _Unauthorized()
    if isinstance(error, BadPublicKey):
        return _KeyInvalid(str(error))
    return _Unavailable()


def problem(request: Request, error: HttpError) -> Response:
    """Make the answer of an error."""
    return _response(request, error.status, code=error.code, detail=str(error), headers=error.headers)


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """Answer what the router refuses: an unknown path, a method that a path does not have."""
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    return _response(request, status, code=status.name, detail=status.description, headers=error.headers or {})


async def answer_bug(request: Request, _error: Exception) -> Response:
    """Answer an error that nobody thought of; the server logs its trace."""
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return _response(request, status, code="INTERNAL_ERROR", detail="The archive failed to answer.", headers={})


def _response(request: Request, status: HTTPStatus, *, code: str, detail: str, headers: Mapping[str, str]) -> Response:
    body = {
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "errorCode": code,
        "correlationId": correlation_id(request.scope),
    }
    return Response(
        json.dumps(body),
        status_code=status,
        media_type="application/problem+json",
        headers={"Cache-Control": "no-store", **headers},
    )
