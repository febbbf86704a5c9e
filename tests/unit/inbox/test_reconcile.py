"""What a crash left open comes to an end."""

import asyncio
import hashlib
from datetime import timedelta

import pytest

from services.inbox.begin import begin
from services.inbox.errors import Superseded
from services.inbox.inbox import Inbox
from services.inbox.reconcile import Reconciler
from services.inbox.resume import resume
from services.inbox.upload import Upload
from shared.database.engine import DatabaseAway
from shared.database.types import now
from tests.unit.inbox.helpers import MIB, put, rows, send, states, told

LATER = timedelta(minutes=3)


@pytest.fixture
def reconciler(inbox: Inbox) -> Reconciler:
    return Reconciler(inbox, patience=timedelta(days=14))


def lose_the_record(inbox: Inbox, monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    """Upload a file whose object is complete while the database is away."""

    def away(*_: object) -> None:
        raise DatabaseAway

    with monkeypatch.context() as patch:
        patch.setattr("services.inbox.upload.finish", away)
        with pytest.raises(DatabaseAway):
            send(inbox, begin(inbox, "ann", "a"), body, finish=True)


@pytest.mark.parametrize("size", [5, 40 * MIB], ids=["small", "parts"])
def test_object_without_record_is_recorded(
    inbox: Inbox, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    body = hashlib.shake_128(b"r").digest(size)
    lose_the_record(inbox, monkeypatch, body)
    reconciler.reconcile(now())
    assert states(inbox) == ["registered"], "it may be in other hands"
    reconciler.reconcile(now() + LATER)
    reconciler.reconcile(now() + LATER)
    assert told(inbox) == [("upload", "ann/a")]
    assert rows(inbox, "SELECT value FROM checksums WHERE algorithm = 'sha256'") == [
        (hashlib.sha256(body).hexdigest(),)
    ]


def test_object_of_another_process_is_recorded_without_digests(
    inbox: Inbox, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_the_record(inbox, monkeypatch, b"content")
    [(file_id,)] = rows(inbox, "SELECT id FROM files")
    for upload in list(inbox.uploads._digests):
        inbox.uploads.forget(upload)
    reconciler.reconcile(now() + LATER)
    assert rows(inbox, "SELECT id, state, size FROM files") == [(file_id, "uploaded", 7)]
    assert rows(inbox, "SELECT count(*) FROM checksums") == [(0,)]


@pytest.mark.parametrize("size", [5, 40 * MIB], ids=["small", "parts"])
def test_client_may_end_what_lost_its_record(inbox: Inbox, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    body = hashlib.shake_128(b"r").digest(size)
    lose_the_record(inbox, monkeypatch, body)
    begun = resume(inbox, "ann", "a")
    assert begun is not None
    assert (begun.size, begun.whole) == (size, True)
    send(inbox, begun, finish=True)
    assert told(inbox) == [("upload", "ann/a")]
    assert rows(inbox, "SELECT value FROM checksums WHERE algorithm = 'sha256'") == [
        (hashlib.sha256(body).hexdigest(),)
    ]


def test_open_upload_is_left_alone(inbox: Inbox, reconciler: Reconciler) -> None:
    async def run() -> None:
        Upload(inbox, begin(inbox, "ann", "a"))
        await asyncio.to_thread(reconciler.reconcile, now() + timedelta(days=30))

    asyncio.run(run())
    assert states(inbox) == ["registered"]


def test_upload_that_nobody_goes_on_with_is_given_up(inbox: Inbox, reconciler: Reconciler) -> None:
    send(inbox, begin(inbox, "ann", "a"), bytes(20 * MIB), finish=False)
    reconciler.reconcile(now() + timedelta(days=13))
    assert states(inbox) == ["registered"]
    reconciler.reconcile(now() + timedelta(days=15))
    assert states(inbox) == ["cancelled"]
    assert told(inbox) == []
    assert list(inbox.store.unfinished_uploads()) == []
    assert resume(inbox, "ann", "a") is None


def test_parts_that_nobody_knows_of_are_dropped_after_a_day(inbox: Inbox, reconciler: Reconciler) -> None:
    kept = begin(inbox, "ann", "a")
    send(inbox, kept, bytes(20 * MIB), finish=False)
    inbox.store.start_upload(kept.file.id)
    inbox.store.start_upload(put(inbox, "ann", "b"))
    reconciler.reconcile(now())
    assert len(list(inbox.store.unfinished_uploads())) == 3
    Reconciler(inbox, patience=timedelta(days=14)).reconcile(now() + timedelta(days=2))
    [left] = inbox.store.unfinished_uploads()
    assert left.key == kept.file.id
    assert resume(inbox, "ann", "a") is not None


def test_late_finish_of_a_removed_upload_leaves_no_object(inbox: Inbox) -> None:
    begun = begin(inbox, "ann", "a")
    begin(inbox, "ann", "a")
    with pytest.raises(Superseded):
        send(inbox, begun, bytes(40 * MIB), finish=True)
    assert list(inbox.store.list()) == []
    assert inbox.uploads.all() == []
