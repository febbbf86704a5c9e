# ruff: noqa: ARG002 - the signatures are those of asyncssh
"""The inbox as a file system that SFTP clients see; there is no real one behind it, so nothing leads out of it.

Every method of asyncssh's SFTPServer that would touch the local file system is replaced here
(tests/unit/inbox/test_sftp.py compares).
"""

import asyncio
import stat
from collections.abc import AsyncIterator, Callable
from typing import NoReturn, TypeVar, cast

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

T = TypeVar("T")

_BLOCK = 1 << 20
_FREE_BLOCKS = 1 << 40


class SftpSession(SFTPServer):
    """One user's view, for one SFTP channel. Requests of a session come one after another."""

    def __init__(self, channel: SSHServerChannel[bytes], inbox: Inbox, user: str) -> None:
        super().__init__(channel)
        self._inbox = inbox
        self._user = user
        self._lost = False

    def connection_lost(self) -> None:
        """What is closed from now on was not closed by the client."""
        self._lost = True

    # ---- writing
    async def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> object:
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
        return _attributes(await self._run(look, path))

    lstat = stat

    async def fstat(self, file_obj: object) -> SFTPAttrs:
        return SFTPAttrs(size=_handle(file_obj).position, permissions=stat.S_IFREG | 0o600)

    async def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        for name in (b".", b".."):
            yield SFTPName(name, attrs=SFTPAttrs(permissions=stat.S_IFDIR | 0o700))
        for entry in await self._run(browse, path):
            yield SFTPName(entry.name.encode(), attrs=_attributes(entry))

    def realpath(self, path: bytes) -> bytes:
        with told_to_client():
            return b"/" + inbox_path(path).encode()

    # ---- changing
    async def remove(self, path: bytes) -> None:
        with told_to_client():
            for upload in self._inbox.uploads.at(self._user, inbox_path(path)):
                await upload.interrupt()
        await self._run(remove, path)

    async def mkdir(self, path: bytes, attrs: SFTPAttrs) -> None:
        await self._run(make_folder, path)

    async def rmdir(self, path: bytes) -> None:
        await self._run(remove_folder, path)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self._rename(oldpath, newpath, replace=False)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self._rename(oldpath, newpath, replace=True)

    # ---- accepted without effect: clients send these after an upload and take a refusal for its failure
    def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Do nothing."""

    def lsetstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Do nothing."""

    def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:
        """Do nothing."""

    def fsync(self, file_obj: object) -> None:
        """Do nothing: what counts as stored is known at the end."""

    def statvfs(self, path: bytes) -> SFTPVFSAttrs:
        return _endless()

    def fstatvfs(self, file_obj: object) -> SFTPVFSAttrs:
        return _endless()

    # ---- refused
    def read(self, file_obj: object, offset: int, size: int) -> NoReturn:
        _refuse("the inbox is write-only")

    def readlink(self, path: bytes) -> NoReturn:
        _refuse("there are no links in the inbox")

    def symlink(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        _refuse("there are no links in the inbox")

    def link(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        _refuse("there are no links in the inbox")

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: SFTPAttrs) -> NoReturn:
        _refuse("the inbox speaks SFTP version 3")

    def lock(self, file_obj: object, offset: int, length: int, flags: int) -> NoReturn:
        _refuse("there are no locks in the inbox")

    def unlock(self, file_obj: object, offset: int, length: int) -> NoReturn:
        _refuse("there are no locks in the inbox")

    def map_path(self, path: bytes) -> NoReturn:
        """Stand in the way of any method of the base class that would reach the local file system."""
        _refuse("there is no file system behind the inbox")

    def reverse_map_path(self, path: bytes) -> NoReturn:
        """As `map_path`."""
        _refuse("there is no file system behind the inbox")

    # ---- how entries look
    def format_user(self, uid: int | None) -> str:
        return "inbox"

    def format_group(self, gid: int | None) -> str:
        return "inbox"

    def exit(self) -> None:
        """Nothing is left to be closed."""

    async def _rename(self, old: bytes, new: bytes, *, replace: bool) -> None:
        with told_to_client():
            paths = inbox_path(old), inbox_path(new)
            await asyncio.to_thread(rename, self._inbox, self._user, *paths, replace=replace)

    async def _run(self, use_case: Callable[[Inbox, str, str], T], path: bytes) -> T:
        with told_to_client():
            return await asyncio.to_thread(use_case, self._inbox, self._user, inbox_path(path))


def _handle(file_obj: object) -> Handle:
    return cast("Handle", file_obj)


def _attributes(entry: Entry) -> SFTPAttrs:
    at = int(entry.at.timestamp())
    if entry.is_folder:
        return SFTPAttrs(size=0, permissions=stat.S_IFDIR | 0o700, uid=0, gid=0, atime=at, mtime=at, nlink=1)
    return SFTPAttrs(size=entry.size, permissions=stat.S_IFREG | 0o600, uid=0, gid=0, atime=at, mtime=at, nlink=1)


def _endless() -> SFTPVFSAttrs:
    blocks = {"blocks": _FREE_BLOCKS, "bfree": _FREE_BLOCKS, "bavail": _FREE_BLOCKS}
    return SFTPVFSAttrs(bsize=_BLOCK, frsize=_BLOCK, namemax=255, **blocks)


def _refuse(sentence: str) -> NoReturn:
    with told_to_client():
        raise NotAllowed(sentence)
    raise AssertionError
