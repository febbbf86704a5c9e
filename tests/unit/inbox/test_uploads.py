"""What an upload leaves behind, however it ends."""

import asyncio
import hashlib

import pytest

from services.inbox.begin import begin
from services.inbox.errors import Busy, InboxError, Superseded
from services.inbox.finish import finish
from services.inbox.inbox import Inbox
from services.inbox.opening import open_handle
from services.inbox.queries import unfinished_at
from services.inbox.resume import look_up, resume, without_gap
from services.inbox.upload import Upload
from shared.storage.errors import ObjectMissing, StoreUnavailable
from shared.storage.port import Part
from tests.unit.inbox.helpers import MIB, change, events, put, rows, send, states, told

WRITE, APPEND, CREAT, TRUNC, EXCL = 2, 4, 8, 16, 32


def test_finished_upload_is_told_once_with_its_file_id(inbox: Inbox) -> None:
    file_id = put(inbox, "ann", "a")
    assert rows(inbox, "SELECT correlation_id FROM outgoing WHERE routing_key = 'inbox'") == [(file_id,)]
    assert events(inbox) == ["registered", "uploaded"]
    assert rows(inbox, "SELECT size, inbox_location FROM files") == [(7, "inbox")]
    assert inbox.store.stat(file_id).size == 7
    assert rows(inbox, "SELECT count(*) FROM uploads") == [(0,)]


def test_second_finish_changes_nothing(inbox: Inbox) -> None:
    begun = begin(inbox, "ann", "a")
    send(inbox, begun, b"content", finish=True)
    finish(inbox, begun.file.id, 7, {})
    assert told(inbox) == [("upload", "ann/a")]


def test_upload_begun_anew_voids_the_one_before(inbox: Inbox) -> None:
    first = begin(inbox, "ann", "a")
    second = begin(inbox, "ann", "a")
    with pytest.raises(Superseded):
        send(inbox, first, b"old", finish=True)
    send(inbox, second, b"new", finish=True)
    assert states(inbox) == ["cancelled", "uploaded"]
    assert told(inbox) == [("upload", "ann/a")]
    with pytest.raises(ObjectMissing):
        inbox.store.stat(first.file.id)


def test_two_registered_uploads_of_one_name_end_with_the_later_one(inbox: Inbox) -> None:
    first, second = begin(inbox, "ann", "a"), begin(inbox, "ann", "b")
    change(inbox, "UPDATE files SET path = 'a'")  # as when two processes begin at the same time
    send(inbox, first, b"1", finish=True)
    send(inbox, second, b"22", finish=True)
    assert states(inbox) == ["cancelled", "uploaded"]
    assert told(inbox) == [("upload", "ann/a"), ("remove", "ann/a"), ("upload", "ann/a")]


def test_parts_arrive_in_order_and_whole(inbox: Inbox) -> None:
    body = hashlib.shake_128(b"x").digest(50 * MIB + 1)
    begun = begin(inbox, "ann", "a")
    send(inbox, begun, *(body[start : start + 3 * MIB] for start in range(0, len(body), 3 * MIB)), finish=True)
    assert inbox.store.stat(begun.file.id).size == len(body)
    assert rows(inbox, "SELECT value FROM checksums WHERE algorithm = 'sha256'") == [
        (hashlib.sha256(body).hexdigest(),)
    ]


@pytest.mark.parametrize("sent", [0, 4 * MIB, 5 * MIB, 16 * MIB, 16 * MIB + 1, 40 * MIB])
def test_interrupted_upload_goes_on_from_what_is_stored(inbox: Inbox, sent: int) -> None:
    body = hashlib.shake_128(b"y").digest(60 * MIB)
    send(inbox, begin(inbox, "ann", "a"), body[:sent], finish=False)
    begun = resume(inbox, "ann", "a")
    assert begun is not None
    assert begun.size == (sent if sent % (16 * MIB) >= 5 * MIB else sent // (16 * MIB) * 16 * MIB)
    send(inbox, begun, body[begun.size :], finish=True)
    assert rows(inbox, "SELECT value FROM checksums WHERE algorithm = 'sha256'") == [
        (hashlib.sha256(body).hexdigest(),)
    ]
    assert told(inbox) == [("upload", "ann/a")]
    assert inbox.store.stat(begun.file.id).size == len(body)


def test_only_the_last_stored_byte_may_be_sent_again(inbox: Inbox) -> None:
    body = hashlib.shake_128(b"z").digest(20 * MIB)
    send(inbox, begin(inbox, "ann", "a"), body[: 16 * MIB], b"x", finish=False)

    async def run() -> None:
        begun = resume(inbox, "ann", "a")
        assert begun is not None
        upload = Upload(inbox, begun)
        for offset in (0, 16 * MIB - 2, 16 * MIB + 1):
            with pytest.raises(InboxError, match="sequential writes only"):
                await upload.write(offset, b"abc")
        await upload.write(16 * MIB - 1, body[16 * MIB - 1 :])
        with pytest.raises(InboxError, match="sequential writes only"):
            await upload.write(16 * MIB - 1, body[16 * MIB - 1 :])
        await upload.finish()

    asyncio.run(run())
    assert rows(inbox, "SELECT size FROM files") == [(20 * MIB,)]
    assert rows(inbox, "SELECT value FROM checksums WHERE algorithm = 'sha256'") == [
        (hashlib.sha256(body).hexdigest(),)
    ]


def test_later_session_takes_the_name_over(inbox: Inbox) -> None:
    body = hashlib.shake_128(b"t").digest(30 * MIB)

    async def run() -> None:
        first = await open_handle(inbox, "ann", "a", WRITE | CREAT | TRUNC)
        await first.write(0, body[: 22 * MIB])
        second = await open_handle(inbox, "ann", "a", WRITE | APPEND)
        assert second.position == 22 * MIB
        with pytest.raises(Superseded):
            await first.write(22 * MIB, b"x")
        with pytest.raises(Superseded):
            await first.finish()
        await second.write(22 * MIB, body[22 * MIB :])
        await second.finish()

    asyncio.run(run())
    assert told(inbox) == [("upload", "ann/a")]
    assert inbox.uploads.all() == []


def test_finished_file_takes_no_more_bytes(inbox: Inbox) -> None:
    put(inbox, "ann", "a")
    with pytest.raises(InboxError, match="finished"):
        asyncio.run(open_handle(inbox, "ann", "a", WRITE | APPEND))
    with pytest.raises(InboxError, match="already"):
        asyncio.run(open_handle(inbox, "ann", "a", WRITE | CREAT | EXCL))


def test_no_more_uploads_are_open_than_there_may_be(inbox: Inbox) -> None:
    async def run() -> None:
        handles = [await open_handle(inbox, "ann", str(number), WRITE | CREAT | TRUNC) for number in range(8)]
        with pytest.raises(Busy):
            await open_handle(inbox, "ann", "one too many", WRITE | CREAT | TRUNC)
        for handle in handles:
            await handle.interrupt()
        await (await open_handle(inbox, "ann", "now", WRITE | CREAT | TRUNC)).finish()

    asyncio.run(run())
    assert told(inbox) == [("upload", "ann/now")]


def test_store_that_is_away_for_a_moment_breaks_no_upload(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    real, failures = inbox.store.put_part, [StoreUnavailable(), StoreUnavailable()]

    def put_part(*arguments: object) -> Part:
        if failures:
            raise failures.pop()
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(inbox.store, "put_part", put_part)
    monkeypatch.setattr("services.inbox.parts._DELAYS", (0.0, 0.0))
    send(inbox, begin(inbox, "ann", "a"), bytes(20 * MIB), finish=True)
    assert told(inbox) == [("upload", "ann/a")]


def test_store_that_stays_away_leaves_what_is_stored(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    body = hashlib.shake_128(b"s").digest(50 * MIB)
    real = inbox.store.put_part

    def put_part(key: str, upload_id: str, number: int, part: memoryview) -> Part:
        if number == 2:
            raise StoreUnavailable
        return real(key, upload_id, number, part)

    with monkeypatch.context() as patch:
        patch.setattr(inbox.store, "put_part", put_part)
        patch.setattr("services.inbox.parts._DELAYS", ())
        with pytest.raises(StoreUnavailable):
            send(inbox, begin(inbox, "ann", "a"), body, finish=True)
    assert inbox.uploads.all() == []
    begun = resume(inbox, "ann", "a")
    assert begun is not None
    assert begun.size == 16 * MIB
    send(inbox, begun, body[16 * MIB :], finish=True)
    assert rows(inbox, "SELECT value FROM checksums WHERE algorithm = 'sha256'") == [
        (hashlib.sha256(body).hexdigest(),)
    ]


def test_parts_behind_a_gap_do_not_count() -> None:
    parts = [Part(1, 5, "a"), Part(2, 5, "b"), Part(4, 5, "d")]
    assert without_gap(parts) == tuple(parts[:2])
    assert without_gap(parts[1:]) == ()


def test_dropped_upload_begins_at_nothing(inbox: Inbox) -> None:
    send(inbox, begin(inbox, "ann", "a"), bytes(16 * MIB), b"x", finish=False)
    for upload in list(inbox.store.unfinished_uploads()):
        inbox.store.abort_upload(upload.key, upload.upload_id)
    with inbox.database.read() as connection:
        [unfinished] = unfinished_at(connection, "ann", "a")
    assert look_up(inbox.store, unfinished).size == 0
    begun = resume(inbox, "ann", "a")
    assert begun is not None
    send(inbox, begun, b"again", finish=True)
    assert rows(inbox, "SELECT size, state FROM files") == [(5, "uploaded")]
