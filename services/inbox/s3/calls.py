"""One request on its way through the front: who asks, what for, and the threads that wait for database and store."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from services.inbox.inbox import Inbox
from services.inbox.s3.admission import Admission
from services.inbox.s3.authentication import Caller
from services.inbox.s3.body import IncomingBody
from services.inbox.s3.errors import S3Error
from services.inbox.s3.keys import object_path
from services.inbox.s3.payload import Payload, read_payload
from services.inbox.s3.requests import S3Request
from services.inbox.s3.sink import Sink
from services.inbox.s3.sources import Source
from shared.database.reading import AsyncReads

T = TypeVar("T")


@dataclass(frozen=True)
class Ground:
    """What the operations stand on. `threads` wait for database and store, `hashing` works on bodies."""

    inbox: Inbox
    sink: Sink
    admission: Admission
    threads: ThreadPoolExecutor
    hashing: ThreadPoolExecutor
    gap_seconds: float
    reads: AsyncReads

    async def waiting(self, work: Callable[[], T]) -> T:
        """Do on a thread what waits for database or store."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)


@dataclass(frozen=True)
class Call:
    """One request of a user."""

    request: S3Request
    caller: Caller
    source: Source
    ground: Ground

    @property
    def user(self) -> str:
        return self.caller.user

    @property
    def path(self) -> str:
        """The path in the user's inbox. Raises S3Error."""
        return object_path(self.request.key)

    def payload(self) -> Payload:
        """Return what the request says about its body. Raises S3Error."""
        return read_payload(self.request, self.caller.mode, self.caller.signed)

    def body(self, payload: Payload, *, sha256: bool = False, start: bool = False) -> IncomingBody:
        """Return the body; nothing is read of it before it is asked for.

        sha256: its digest is wanted in any case. start: it is the beginning of a file.
        """
        ground = self.ground
        watch = ground.inbox.headers.watch() if start else None
        return IncomingBody(
            payload, self.source, ground.hashing, gap_seconds=ground.gap_seconds, sha256=sha256, watch=watch
        )

    async def document(self, longest: int) -> bytes:
        """Return a body in XML. Raises S3Error, ClientGone."""
        payload = self.payload()
        if payload.size > longest:
            raise S3Error("MalformedXML", f"a body in XML has {longest} bytes at most")
        return await self.body(payload).whole()

    def number(self, name: str, default: int, least: int = 0) -> int:
        """Return a number of the query. Raises S3Error."""
        text = self.request.values.get(name)
        if text is None or text == "":
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) >= least):
            raise S3Error("InvalidArgument", f"{name} is not a number that it may be")
        return int(text)

    async def waiting(self, work: Callable[[], T]) -> T:
        """Do on a thread what waits for database or store."""
        return await self.ground.waiting(work)
