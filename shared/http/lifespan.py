"""What a front's event loop opened is closed before the loop ends."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from starlette.types import ASGIApp, Receive, Scope, Send


class Closing:
    """Wraps an application; when the server stops, after the last answer, it calls `closing` on the event loop."""

    def __init__(self, app: ASGIApp, closing: Sequence[Callable[[], Awaitable[None] | None]]) -> None:
        self._app = app
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        for close in self._closing:
            left = close()
            if left is not None:
                await left
        await asyncio.sleep(0)  # what was aborted says goodbye in the loop's next turn
        await send({"type": "lifespan.shutdown.complete"})
