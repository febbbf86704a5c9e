"""What must be true when the files of a load are through, whatever happened on the way."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping

from sqlalchemy import Select, func, select

from shared.database.engine import DatabaseAway
from shared.database.queue_tables import dead_letters, leases, outgoing
from shared.database.tables import events, files
from shared.identifiers import FileId
from shared.storage.port import ObjectStore
from tests.faults.figures import Note, Row
from tests.faults.load.load import Load, until

ONCE = ("archived", "verified", "ready")
CHUNK = 1 << 20

Completions = Callable[[], Mapping[FileId, int]]
"""Gives by file how many different messages said so far that it is complete."""


def no_completions() -> Mapping[FileId, int]:
    """A node without a broker tells nobody."""
    return {}


def conclude(
    load: Load,
    some: Collection[FileId],
    *,
    fault: str,
    times: int,
    note: Note,
    patience: float,
    completions: Completions = no_completions,
    in_flight: int | None = None,
) -> None:
    """Wait from the end of a fault until all is done, note what came of it, and see that nothing is lost or doubled.

    in_flight: how many files were when the fault struck, if it is not those that are now.
    """
    before = load.ready(some)
    recovery = 0.0 if before == len(some) else _seconds_until(lambda: load.ready(some) > before, patience)
    _seconds_until(lambda: load.ready(some) == len(some), patience)
    _seconds_until(lambda: not _count(load, select(func.count()).select_from(outgoing)), patience)
    lost, doubled = len(some) - load.ready(some), len(_doubled(load, some, completions()))
    flying = len(some) - before if in_flight is None else in_flight
    figures = {"files": len(some), "in_flight": flying, "lost": lost, "doubled": doubled}
    note(Row(fault=fault, times=times, recovery=round(recovery, 2), **figures))
    assert (lost, doubled) == (0, 0), f"{fault}: {unfinished(load, some)}"


def check_all(load: Load) -> None:
    """All that was ever sent is kept as it was sent, and the node owes nothing."""
    until("everything to be settled", lambda: not _count(load, select(func.count()).select_from(outgoing)))
    until("every lease to be given back", lambda: not _count(load, select(func.count()).select_from(leases)))
    with load.database.read() as connection:
        assert connection.execute(select(dead_letters)).all() == []
        assert connection.execute(select(files.c.id, files.c.error).where(files.c.error.is_not(None))).all() == []
    assert _digests(load.stores["archive"]) == {file: sent.body for file, sent in load.sent.items()}
    assert _digests(load.stores["backup"]) == {file: sent.whole for file, sent in load.sent.items()}


def unfinished(load: Load, some: Collection[FileId]) -> dict[str, object]:
    """Tell what stands where, for the message of a failed test."""
    with load.database.read() as connection:
        owed = connection.execute(select(outgoing.c.queue, outgoing.c.attempt, outgoing.c.due)).all()
        letters = connection.execute(select(dead_letters.c.queue, dead_letters.c.reason)).all()
        held = connection.execute(select(leases)).all()
    states = Counter(state.value for state in load.states(some).values())
    return {"states": dict(states), "owed": owed, "dead letters": letters, "leases": held}


def _doubled(load: Load, some: Collection[FileId], completions: Mapping[FileId, int]) -> set[FileId]:
    query = select(events.c.file_id).where(events.c.event.in_(ONCE))
    query = query.group_by(events.c.file_id, events.c.event).having(func.count() > 1)
    with load.database.read() as connection:
        twice = set(connection.scalars(query))
    return {file for file in some if file in twice or completions.get(file, 0) > 1}


def _count(load: Load, query: Select[int]) -> int:
    """Return a count; more than nothing while the database is away."""
    try:
        with load.database.read() as connection:
            return connection.scalar(query) or 0
    except DatabaseAway:
        return 1


def _digests(store: ObjectStore) -> dict[str, str]:
    return {key: _digest(store, key) for key in store.list()}


def _digest(store: ObjectStore, key: str) -> str:
    digest, buffer = hashlib.sha256(), memoryview(bytearray(CHUNK))
    with store.open(key) as body:
        while count := body.readinto(buffer):
            digest.update(buffer[:count])
    return digest.hexdigest()


def _seconds_until(reached: Callable[[], bool], patience: float) -> float:
    """Poll until something is reached or patience is over; give the seconds."""
    begun = time.monotonic()
    while not reached() and time.monotonic() - begun < patience:
        time.sleep(0.02)
    return time.monotonic() - begun
