"""Promises about uploads in parts and copies inside a store, kept by every store."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.storage.errors import IncompleteBody, ObjectMissing, UploadMissing
from shared.storage.port import ObjectStore, Part
from shared.storage.sizes import MIB
from tests.contract.storage.kit import Reopen, body_of, get, put

FIRST, SECOND, LAST = body_of(5 * MIB, 1), body_of(6 * MIB + 1, 2), body_of(77, 3)


def test_parts_in_any_order_become_one_object(store: ObjectStore) -> None:
    upload = store.start_upload("key")
    bodies: list[tuple[int, bytes | bytearray]] = [(3, LAST), (1, FIRST), (2, bytearray(SECOND))]
    parts = [store.put_part("key", upload, number, body) for number, body in bodies]
    assert store.list_parts("key", upload) == sorted(parts)
    with pytest.raises(ObjectMissing):
        store.stat("key")
    stat = store.complete_upload("key", upload, parts)
    assert stat == store.stat("key")
    assert get(store, "key") == FIRST + SECOND + LAST
    assert list(store.unfinished_uploads()) == []


def test_a_part_sent_again_replaces_the_first(store: ObjectStore) -> None:
    upload = store.start_upload("key")
    store.put_part("key", upload, 1, FIRST)
    again = store.put_part("key", upload, 1, memoryview(SECOND))
    assert store.list_parts("key", upload) == [again]
    store.complete_upload("key", upload, [again])
    assert get(store, "key") == SECOND


def test_another_instance_resumes_an_upload(store: ObjectStore, reopen: Reopen) -> None:
    upload = store.start_upload("key")
    store.put_part("key", upload, 1, FIRST)
    later = reopen()
    assert [part.size for part in later.list_parts("key", upload)] == [len(FIRST)]
    later.put_part("key", upload, 2, LAST)
    later.complete_upload("key", upload, later.list_parts("key", upload))
    assert get(store, "key") == FIRST + LAST


def test_a_repeated_completion_tells_the_same(store: ObjectStore, reopen: Reopen) -> None:
    upload = store.start_upload("key")
    parts = [store.put_part("key", upload, 1, FIRST), store.put_part("key", upload, 2, LAST)]
    stat = store.complete_upload("key", upload, parts)
    assert reopen().complete_upload("key", upload, parts) == stat
    assert get(store, "key") == FIRST + LAST


def test_a_completion_repeated_after_the_object_is_gone_is_refused(store: ObjectStore) -> None:
    upload = store.start_upload("key")
    part = store.put_part("key", upload, 1, FIRST)
    store.complete_upload("key", upload, [part])
    store.delete("key")
    with pytest.raises(UploadMissing):
        store.complete_upload("key", upload, [part])


def test_an_aborted_upload_is_gone(store: ObjectStore) -> None:
    upload = store.start_upload("key")
    part = store.put_part("key", upload, 1, FIRST)
    store.abort_upload("key", upload)
    store.abort_upload("key", upload)
    with pytest.raises(UploadMissing):
        store.list_parts("key", upload)
    with pytest.raises(UploadMissing):
        store.put_part("key", upload, 2, LAST)
    with pytest.raises(UploadMissing):
        store.complete_upload("key", upload, [part])
    assert list(store.list()) == []
    assert list(store.unfinished_uploads()) == []


def test_a_part_that_was_never_sent_cannot_be_named(store: ObjectStore) -> None:
    upload = store.start_upload("key")
    part = store.put_part("key", upload, 1, FIRST)
    with pytest.raises(UploadMissing):
        store.complete_upload("key", upload, [part, Part(2, 10, "0" * 32)])
    with pytest.raises(ObjectMissing):
        store.stat("key")


@pytest.mark.parametrize("number", [0, 10_001])
def test_part_numbers_have_limits(store: ObjectStore, number: int) -> None:
    upload = store.start_upload("key")
    with pytest.raises(ValueError, match="from 1 to 10,000"):
        store.put_part("key", upload, number, LAST)


def test_unfinished_uploads_are_listed_with_their_start(store: ObjectStore, reopen: Reopen) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    started = {("a/key", store.start_upload("a/key")), ("a/key", store.start_upload("a/key"))}
    started.add(("b", store.start_upload("b")))
    put(store, "whole", b"body")
    found = list(reopen().unfinished_uploads())
    assert {(upload.key, upload.upload_id) for upload in found} == started
    assert all(before <= upload.started <= datetime.now(UTC) + timedelta(seconds=2) for upload in found)


@pytest.mark.parametrize(
    ("size", "offset", "length"),
    [
        (100, 10, 50),
        (100, 0, 100),
        (100, 50, 0),
        (6 * MIB, 0, 6 * MIB),
        (17 * MIB, 124, 17 * MIB - 124),
        (17 * MIB, 5 * MIB + 1, 10 * MIB + 1),
        (17 * MIB, 0, 17 * MIB),
    ],
)
def test_a_copied_range_is_identical(store: ObjectStore, reopen: Reopen, size: int, offset: int, length: int) -> None:
    body = body_of(size)
    put(store, "source", body)
    target = reopen()
    assert target.can_copy_from(store)
    stat = target.copy_range(store, "source", offset, length, "target")
    assert stat == store.stat("target")
    assert get(store, "target") == body[offset : offset + length]
    assert list(store.unfinished_uploads()) == []


@pytest.mark.parametrize(("offset", "length"), [(0, 101), (101, 1), (50, 17 * MIB)])
def test_a_copy_past_the_end_of_its_source_stores_nothing(store: ObjectStore, offset: int, length: int) -> None:
    put(store, "source", body_of(100))
    with pytest.raises(IncompleteBody):
        store.copy_range(store, "source", offset, length, "target")
    assert list(store.list()) == ["source"]
    assert list(store.unfinished_uploads()) == []


def test_a_copy_of_nothing_is_refused(store: ObjectStore) -> None:
    with pytest.raises(ObjectMissing):
        store.copy_range(store, "nothing", 0, 10, "target")
    assert list(store.list()) == []
