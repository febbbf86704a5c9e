"""End the connections of users who may not log in any more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
from asyncssh import DISC_BY_APPLICATION

from services.inbox.login import Connections
from services.inbox.metrics import EVICTIONS
from shared.access.cega import CentralEgaAway
from shared.access.directory import Directory
from shared.database.engine import DatabaseAway

log = structlog.get_logger(__name__)

SECONDS = 30.0
"""How often everyone who is logged in is looked up."""


@asynccontextmanager
async def evicting(directory: Directory, connections: Connections, seconds: float = SECONDS) -> AsyncIterator[None]:
    """Look up the users of all connections again and again."""
    task = asyncio.create_task(_repeat(directory, connections, seconds))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def evict(directory: Directory, connections: Connections) -> None:
    """Look everyone up once; about whom nothing can be learnt now stays."""
    for name in {name for name in connections.values() if name is not None}:
        try:
            user = await asyncio.to_thread(directory.find, name)
        except (DatabaseAway, CentralEgaAway) as away:
            log.warning("eviction_put_off", error=type(away).__name__)
            continue
        if user is None or not user.enabled:
            _end(connections, name)


async def _repeat(directory: Directory, connections: Connections, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        await evict(directory, connections)


def _end(connections: Connections, name: str) -> None:
    for connection in [connection for connection, user in connections.items() if user == name]:
        EVICTIONS.inc()
        connection.disconnect(DISC_BY_APPLICATION, "this user may not log in any more")
