"""A file in one piece: begun and finished without threads, and with no question that was answered already."""

from dataclasses import dataclass

from services.inbox.begin import register
from services.inbox.errors import Busy, QuotaExceeded
from services.inbox.finish import finish, record
from services.inbox.inbox import SERVICE
from services.inbox.queries import Protocol
from services.inbox.s3.begin import check_obstacle
from services.inbox.s3.calls import Ground
from services.inbox.s3.queries import ask_bytes, ask_place
from shared.broker.unit import Unit
from shared.database.engine import Conflict
from shared.database.records import File
from shared.identifiers import new_file_id


@dataclass(frozen=True)
class Single:
    """A file that is registered, and the one of its name that it will replace, as both were when it began."""

    file: File
    earlier: File | None


async def begin_single(ground: Ground, user: str, path: str, size: int) -> Single:
    """Register a file of `size` bytes. Raises InboxError, Busy, DatabaseAway."""
    place = await ask_place(ground.reads, user, path)
    check_obstacle(place)
    quota = ground.inbox.quota
    if quota is not None and await ask_bytes(ground.reads, user) + size > quota:
        raise QuotaExceeded
    unit = Unit(service=SERVICE)
    file = register(unit, new_file_id(), user, path, protocol=Protocol.S3)
    try:
        await ground.inbox.committed(unit)
    except Conflict:
        raise Busy from None
    return Single(file, place.earlier)


async def finish_single(ground: Ground, single: Single, size: int, sha256: str, tag: str) -> None:
    """Record that its object is complete, as `finish` does, which is asked where something has changed meanwhile.

    Raises Superseded, Busy, DatabaseAway.
    """
    inbox, digests = ground.inbox, {"sha256": sha256}
    unit = Unit(service=SERVICE)
    record(unit, single.file, single.earlier, store=inbox.store.name, size=size, digests=digests, tag=tag)
    try:
        await inbox.committed(unit)
    except Conflict:
        await ground.waiting(lambda: finish(inbox, single.file.id, size, digests, tag))
