"""The inbox as a file system that SFTP clients see; there is no real one behind it, so nothing leads out of it.

Every method of asyncssh's SFTPServer that would touch the local file system is replaced here
(tests/unit/inbox/test_sftp.py compares).
"""

import asyncio
import stat
from collections.abc import AsyncIterator, Callable
from typing import NoReturn, ParamSpec, TypeVar

from asyncssh import SFTPAttrs, SFTPName, SFTPServer, SFTPVFSAttrs, SSHServerChannel

from services.inbox.browse import Entry, browse, look
from services.inbox.errors import NotAllowed
from services.inbox.folders import make_folder, remove_folder
from services.inbox.handles import Handle
from services.inbox.inbox import Inbox
from services.inbox.opening import open_handle
from services.inbox.paths import inbox_path
from services.inbox.remove import remove
from services.inbox.rename import rename
from services.inbox.sftp_errors import told_to_client

P = ParamSpec("P")
T = TypeVar("T")

_BLOCK = 1 << 20
_FREE_BLOCKS = 1 << 40


class SftpSession(SFTPServer):
    """One user's view, for one SFTP channel. Requests of a session come one after another."""

    def __init__(self, channel: SSHServerChannel, inbox: Inbox, user: str) -> None:
        super().__init__(channel)
        self._inbox = inbox
        self._user = user
        self._lost = False

    def connection_lost(self) -> None:
        """What is closed from now on was not closed by the client."""
        self._lost = True

    # ---- writing
    async def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> object:  # noqa: ARG002 - modes mean nothing here
        with told_to_client():
            return await open_handle(self._inbox, self._user, inbox_path(path), pflags)

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        with told_to_client():
            await _handle(file_obj).write(offset, data)
        return len(data)

    async def close(self, file_obj: object) -> None:
        handle = _handle(file_obj)
        with told_to_client():
            await (handle.interrupt() if self._lost else handle.finish())

    # ---- looking
    async def stat(self, path: bytes) -> SFTPAttrs:
        return _attributes(await self._run(look, inbox_path, path))

    lstat = stat

    async def fstat(self, file_obj: object) -> SFTPAttrs:
        return SFTPAttrs(size=_handle(file_obj).position, permissions=stat.S_IFREG | 0o600)

    async def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        for name in (b".", b".."):
            yield SFTPName(name, attrs=SFTPAttrs(permissions=stat.S_IFDIR | 0o700))
        for entry in await self._run(browse, inbox_path, path):
            yield SFTPName(entry.name.encode(), attrs=_attributes(entry))

    def realpath(self, path: bytes) -> bytes:
        with told_to_client():
            return b"/" + inbox_path(path).encode()
