"""Open a file for writing: which of the use cases a client means by its flags."""

import asyncio
from functools import partial

from asyncssh import FXF_APPEND, FXF_CREAT, FXF_EXCL, FXF_TRUNC, FXF_WRITE

from services.inbox.begin import Begun, begin
from services.inbox.errors import InboxError, NotAllowed, NotThere
from services.inbox.handles import Handle, SidecarHandle
from services.inbox.inbox import Inbox
from services.inbox.paths import not_root, sidecar_algorithm
from services.inbox.resume import resume
from services.inbox.sidecars import check_sidecar_place
from services.inbox.upload import Upload


async def open_handle(inbox: Inbox, user: str, path: str, flags: int) -> Handle:
    """Open a path by the flags of SFTP version 3; raises InboxError, Busy, StoreUnavailable, DatabaseAway."""
    if not flags & (FXF_WRITE | FXF_APPEND):
        raise NotAllowed("the inbox is write-only")
    if sidecar_algorithm(not_root(path)):
        return await _open_sidecar(inbox, user, path, flags)
    inbox.uploads.check_room()
    # whoever comes last has the name: the session that held it may be a dead connection of the same client
    for upload in inbox.uploads.at(user, path):
        await upload.interrupt()
    return Upload(inbox, await asyncio.to_thread(_begun, inbox, user, path, flags))


async def _open_sidecar(inbox: Inbox, user: str, path: str, flags: int) -> Handle:
    if not flags & FXF_TRUNC and flags & FXF_APPEND:
        raise InboxError("a checksum file is sent whole: nothing can be added to it")
    await asyncio.to_thread(check_sidecar_place, inbox, user, path)
    return SidecarHandle(inbox, user, path)


def _begun(inbox: Inbox, user: str, path: str, flags: int) -> Begun:
    anew = partial(begin, inbox, user, path, exclusive=bool(flags & FXF_EXCL))
    if flags & (FXF_TRUNC | FXF_EXCL):
        return anew()
    found = resume(inbox, user, path)
    if found is not None:
        return found
    if not flags & FXF_CREAT:
        raise NotThere
    return anew()
