"""Short ways to what the tests ask again and again."""

import asyncio
import json
from typing import Any

from sqlalchemy import text

from services.inbox.begin import Begun, begin
from services.inbox.inbox import Inbox
from services.inbox.upload import Upload

MIB = 1024 * 1024


def rows(inbox: Inbox, query: str, **values: Any) -> list[Any]:
    with inbox.database.read() as connection:
        return [tuple(row) for row in connection.execute(text(query), values)]


def change(inbox: Inbox, statement: str) -> None:
    with inbox.database.write() as connection:
        connection.exec_driver_sql(statement)


def told(inbox: Inbox) -> list[tuple[str, str]]:
    """Operation and path of every message about uploads."""
    bodies = rows(inbox, "SELECT body FROM outgoing WHERE routing_key = 'inbox' ORDER BY id")
    messages = [json.loads(body) for (body,) in bodies]
    return [(message["operation"], message["filepath"]) for message in messages]


def events(inbox: Inbox) -> list[str]:
    return [event for (event,) in rows(inbox, "SELECT event FROM events ORDER BY id")]


def states(inbox: Inbox) -> list[str]:
    return [state for (state,) in rows(inbox, "SELECT state FROM files ORDER BY registered_at")]


def send(inbox: Inbox, begun: Begun, *bodies: bytes, finish: bool) -> None:
    """Write bodies one after another, from where the upload goes on; then close it, or lose the connection."""

    async def run() -> None:
        upload = Upload(inbox, begun)
        try:
            for body in bodies:
                await upload.write(upload.position, body)
            if finish:
                await upload.finish()
        finally:
            await upload.interrupt()

    asyncio.run(run())


def put(inbox: Inbox, user: str, path: str, body: bytes = b"content") -> str:
    """Upload a file, and return its id."""
    begun = begin(inbox, user, path)
    send(inbox, begun, body, finish=True)
    return begun.file.id
