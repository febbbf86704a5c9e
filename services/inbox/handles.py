"""What an SFTP client holds open for writing: an upload, or a checksum file."""

import asyncio
from typing import Protocol

from services.inbox.errors import InboxError
from services.inbox.inbox import Inbox
from services.inbox.sidecars import MAX_SIZE, keep_sidecar


class Handle(Protocol):
    """Something that is written from its beginning to its end."""

    position: int

    async def write(self, offset: int, data: bytes) -> None:
        """Take the bytes that follow."""

    async def finish(self) -> None:
        """The client closed it."""

    async def interrupt(self) -> None:
        """The connection was lost before the client closed it."""


class SidecarHandle:
    """A checksum file, kept when it is closed."""

    def __init__(self, inbox: Inbox, user: str, path: str) -> None:
        self._inbox = inbox
        self._user = user
        self._path = path
        self._content = bytearray()
        self.position = 0

    async def write(self, offset: int, data: bytes) -> None:
        """Take up to 4 KiB. Raises InboxError."""
        if offset != self.position:
            raise InboxError("sequential writes only")
        if offset + len(data) > MAX_SIZE:
            raise InboxError(f"a checksum file has {MAX_SIZE} bytes at most")
        self._content += data
        self.position += len(data)

    async def finish(self) -> None:
        """Keep the checksum. Raises InboxError if there is none."""
        await asyncio.to_thread(keep_sidecar, self._inbox, self._user, self._path, bytes(self._content))

    async def interrupt(self) -> None:
        """Forget it: it is quickly sent again."""
        self._content.clear()
