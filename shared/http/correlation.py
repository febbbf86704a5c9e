"""Correlation ids: every request has one, the client's own or ours; answers, logs and problem details carry it."""

import re
from collections.abc import Iterable
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

HEADER = b"x-correlation-id"

# what may stand in a header and in a log line without any quoting; an e-mail address may not
_SAFE = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_KEY = "correlation_id"


class CorrelationIds:
    """Wraps an application; ids that are too long or not plain are replaced by one of ours."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        chosen = _choose(scope["headers"])
        scope.setdefault("state", {})[_KEY] = chosen
        echo = (HEADER, chosen.encode())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), echo]
            await send(message)

        bind_contextvars(correlation_id=chosen)  # in the context of this request's own task, and gone with it
        await self._app(scope, receive, send_with_id)


def correlation_id(scope: Scope) -> str:
    """Return the id of a request."""
    return str(scope["state"][_KEY])


def _choose(headers: Iterable[tuple[bytes, bytes]]) -> str:
    sent = next((value for name, value in headers if name.lower() == HEADER), b"")
    return sent.decode() if _SAFE.fullmatch(sent) else str(uuid4())
