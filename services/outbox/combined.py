"""Header and body read as one stream, piece by piece, by whichever thread is free."""

import threading
from contextlib import ExitStack
from itertools import cycle

from services.outbox.download import Download
from shared.storage.errors import StoreUnavailable
from shared.storage.port import ObjectStore, Reader

CHUNK = 512 * 1024
"""Bytes of a piece. Twice as many are up to a tenth faster, half as many slower; a reader costs three of them."""

_BUFFERS = 3
"""One that the server still holds, one that it is given, one that is read meanwhile: what a stalled reader costs."""


class CombinedStream:
    """The span of header and body that a download wants; `remaining` bytes are still to be read.

    Buffers are used in turn: a piece is good until the third `read` after it. The store is asked when the first
    byte of the body is wanted, and let go at the end or by `close`.
    """

    def __init__(self, archive: ObjectStore, download: Download, *, chunk: int = CHUNK) -> None:
        span = download.span
        self.remaining = span.length
        self._header = memoryview(download.header)[span.start : span.stop]
        self._archive = archive
        self._key = download.file.id
        self._offset = max(0, span.start - len(download.header))
        self._length = span.length - len(self._header)
        count = min(_BUFFERS, -(-span.length // chunk))
        self._buffers = cycle([memoryview(bytearray(min(chunk, span.length))) for _ in range(count)])
        self._body: Reader | None = None
        self._held = ExitStack()
        self._busy = threading.Lock()
        self._closing = False

    def read(self) -> memoryview:
        """Return the next piece. Raises StoreUnavailable, ObjectMissing."""
        try:
            with self._busy:
                piece = next(self._buffers)[: self.remaining]
                self._fill(piece)
                self.remaining -= len(piece)
                return piece
        finally:
            if self._closing:
                self._let_go()

    def close(self) -> None:
        """Let the store go, without waiting: a read that is under way does it when it ends."""
        self._closing = True
        self._let_go()

    def _let_go(self) -> None:
        if self._busy.acquire(blocking=False):
            try:
                self._held.close()
            finally:
                self._busy.release()

    def _fill(self, piece: memoryview) -> None:
        filled = min(len(self._header), len(piece))
        piece[:filled] = self._header[:filled]
        self._header = self._header[filled:]
        while filled < len(piece):
            count = self._opened().readinto(piece[filled:])
            if not count:
                raise StoreUnavailable("the archived body is shorter than it was when it was archived")
            filled += count

    def _opened(self) -> Reader:
        if self._body is None:
            self._body = self._held.enter_context(self._archive.open(self._key, self._offset, self._length))
        return self._body
