"""One file on its way in: sequential writes gather in a buffer, and go into the store part by part."""

import asyncio
from contextlib import suppress

import structlog

from services.inbox.begin import Begun
from services.inbox.buffers import Buffer
from services.inbox.digests import MIN_PART, TooLarge
from services.inbox.errors import InboxError, Superseded
from services.inbox.finish import finish
from services.inbox.inbox import Inbox
from services.inbox.metrics import RECEIVED, UPLOADS
from services.inbox.parts import PartSender
from services.inbox.resume import touch
from shared.database.engine import DatabaseAway
from shared.database.records import File
from shared.errors import StrongroomError

log = structlog.get_logger(__name__)


class Upload:
    """An upload that a session holds open, in the event loop of the front.

    It ends by `finish` (the client closed it: the file is whole) or by `interrupt` (the connection was lost, or
    another session takes the name over): what the store holds by then is kept for the next session.
    """

    def __init__(self, inbox: Inbox, begun: Begun) -> None:
        self._inbox = inbox
        self.file: File = begun.file
        self._sender = PartSender(inbox, begun)
        self._buffer: Buffer | None = None
        self._stored_before = begun.size
        self._whole = begun.whole
        # of one that goes on the beginning was looked at when it came
        self._watch = inbox.headers.watch() if begun.size == 0 and not begun.whole else None
        self._failed = False
        self._sent_whole = False
        self._over = False
        self._busy = asyncio.Lock()
        self.position = begun.size
        inbox.uploads.opened(self)

    @property
    def safe_size(self) -> int:
        """Bytes from the beginning that the store keeps."""
        return self._stored_before if self._whole else self._sender.safe_size

    async def write(self, offset: int, data: bytes) -> None:
        """Take the bytes that follow; raises InboxError for others, FileRefused, StoreUnavailable, DatabaseAway.

        A resumed upload may begin with bytes that are stored already: the last one is shown to no client.
        """
        async with self._busy:
            self._check_open()
            fresh = memoryview(data)[self._overlap(offset, len(data)) :]
            if fresh.nbytes and self._whole:
                raise InboxError("all of this file has come already: upload it anew to replace it")
            try:
                await self._take(fresh)
            except BaseException:
                self._failed = True
                raise

    async def finish(self) -> None:
        """Complete the file. Raises Superseded, StoreUnavailable, DatabaseAway: then it can be resumed."""
        async with self._busy:
            try:
                self._check_open()
                await self._finish()
            except BaseException:
                await self._stop()
                raise
            self._over = True
            self._inbox.uploads.closed(self)
            UPLOADS.labels("finished").inc()

    async def interrupt(self) -> None:
        """Keep what is safe, and take nothing more; harmless when it is over."""
        async with self._busy:
            await self._stop()

    def _check_open(self) -> None:
        if self._over:
            raise Superseded("this upload goes on in another session, or was begun anew")
        if self._failed:
            raise InboxError("this upload met an error before: go on with it by a new session")

    def _overlap(self, offset: int, length: int) -> int:
        """Return how many bytes at the beginning of a write are stored already."""
        if offset == self.position:
            return 0
        if self.position == self._stored_before and offset == max(0, self.position - 1):
            return min(length, self.position - offset)
        raise InboxError("sequential writes only: a file is sent from its beginning, or from where it was interrupted")

    async def _take(self, data: memoryview) -> None:
        RECEIVED.inc(data.nbytes)
        if self._watch is not None:
            self._watch.feed(data)
        while data.nbytes:
            if self._buffer is None:
                self._buffer = self._next_buffer()
            elif self._buffer.full:
                # not before more bytes come: a file of exactly one part is stored at once
                await self._sender.send(self._buffer)
                self._buffer = self._next_buffer()
            count = self._buffer.add(data)
            self.position += count
            data = data[count:]

    def _next_buffer(self) -> Buffer:
        try:
            return self._sender.buffer()
        except TooLarge:
            raise InboxError("this file is too large for the archive: 1.4 TiB at most") from None

    async def _finish(self) -> None:
        if self._watch is not None:
            self._watch.end()
        if not self._whole:
            await self._store_rest()
            self._sender.remember()
        digests = self._digests()
        await asyncio.to_thread(finish, self._inbox, self.file.id, self.position, digests)

    def _digests(self) -> dict[str, str]:
        if not self._whole:
            return self._sender.digests
        known = self._inbox.uploads.recall(self.file.id, self.position)
        return known.values() if known else {}

    async def _store_rest(self) -> None:
        if self._buffer is None:
            self._buffer = self._next_buffer()
        if self._sender.upload_id is None:
            await self._sender.put_whole(self._buffer)
            self._sent_whole = True
            return
        if self._buffer.filled:
            await self._sender.send(self._buffer)
            self._buffer = None
        await self._sender.complete()

    async def _stop(self) -> None:
        if self._over:
            return
        self._over = True
        try:
            with suppress(StrongroomError):
                await self._keep_buffer()
            await self._sender.settle()
            with suppress(DatabaseAway, Superseded):
                await asyncio.to_thread(touch, self._inbox, self.file.id, self._sender.upload_id)
        finally:
            self._buffer = None
            self._inbox.uploads.closed(self)
        UPLOADS.labels("interrupted").inc()
        log.info("upload_interrupted", file_id=self.file.id, safe_bytes=self.safe_size)

    async def _keep_buffer(self) -> None:
        """Store what was received last, if it is enough for a part."""
        if self._buffer is not None and self._buffer.filled >= MIN_PART and not self._failed and not self._sent_whole:
            await self._sender.send(self._buffer)
