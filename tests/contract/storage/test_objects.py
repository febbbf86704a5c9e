"""Promises about single objects, kept by every store."""

import io
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.storage.errors import IncompleteBody, ObjectMissing
from shared.storage.port import ObjectStore
from shared.storage.sizes import MIB
from tests.contract.storage.kit import Reopen, body_of, get, head, put

MANY_PARTS = 16 * MIB + 12_345
"""Four parts of 5 MiB, the last one odd."""


@pytest.mark.parametrize("size", [0, 1, 65_688, 5 * MIB, 5 * MIB + 1, MANY_PARTS])
def test_what_is_put_is_what_is_read(store: ObjectStore, size: int) -> None:
    body = body_of(size)
    stat = put(store, "a/object-1.c4gh", body)
    assert stat.size == size
    assert store.stat("a/object-1.c4gh") == stat
    assert '"' not in stat.etag
    assert get(store, "a/object-1.c4gh") == body
    assert list(store.unfinished_uploads()) == []


def test_exactly_the_promised_bytes_are_taken(store: ObjectStore) -> None:
    source = io.BytesIO(b"0123456789")
    store.put("key", source, 4)
    assert get(store, "key") == b"0123"
    assert source.tell() == 4


def test_a_source_that_gives_little_at_a_time_is_read_to_its_end(store: ObjectStore) -> None:
    class Trickle:
        def __init__(self, body: bytes) -> None:
            self._body = io.BytesIO(body)

        def readinto(self, buffer: memoryview, /) -> int:
            return self._body.readinto(buffer[:77_777])

    body = body_of(6 * MIB)
    store.put("key", Trickle(body), len(body))
    assert get(store, "key") == body


@pytest.mark.parametrize(
    ("offset", "length"), [(0, 1), (124, None), (124, 1000), (5 * MIB - 3, 7), (6 * MIB - 1, None), (0, 0)]
)
def test_a_range_is_read_exactly(store: ObjectStore, offset: int, length: int | None) -> None:
    body = body_of(6 * MIB)
    put(store, "key", body)
    assert get(store, "key", offset, length) == body[offset : None if length is None else offset + length]


@pytest.mark.parametrize(("offset", "length"), [(90, 20), (100, None), (100, 5), (1000, None), (1000, 1)])
def test_what_lies_past_the_end_is_left_out(store: ObjectStore, offset: int, length: int | None) -> None:
    body = body_of(100)
    put(store, "key", body)
    assert get(store, "key", offset, length) == body[offset:]


def test_a_range_of_an_empty_object_is_empty(store: ObjectStore) -> None:
    put(store, "key", b"")
    assert get(store, "key", 0, 10) == b""


def test_a_negative_range_is_refused(store: ObjectStore) -> None:
    put(store, "key", b"body")
    with pytest.raises(ValueError, match="not negative"):
        get(store, "key", -1)


def test_a_reader_may_leave_before_the_end(store: ObjectStore) -> None:
    body = body_of(6 * MIB)
    put(store, "key", body)
    for _ in range(20):
        with store.open("key") as opened:
            assert head(opened, 100) == body[:100]
    assert get(store, "key") == body


def test_overwriting_replaces_body_and_tag(store: ObjectStore) -> None:
    first = put(store, "key", b"first")
    second = put(store, "key", b"other")
    assert get(store, "key") == b"other"
    assert first.etag != second.etag


@pytest.mark.parametrize("size", [100, MANY_PARTS])
def test_a_short_source_stores_nothing(store: ObjectStore, size: int) -> None:
    with pytest.raises(IncompleteBody):
        store.put("key", io.BytesIO(body_of(size - 1)), size)
    with pytest.raises(ObjectMissing):
        store.stat("key")
    assert list(store.list()) == []
    assert list(store.unfinished_uploads()) == []


@pytest.mark.parametrize("size", [100, MANY_PARTS])
def test_a_short_source_leaves_the_old_object_alone(store: ObjectStore, size: int) -> None:
    put(store, "key", b"old")
    with pytest.raises(IncompleteBody):
        store.put("key", io.BytesIO(body_of(size - 1)), size)
    assert get(store, "key") == b"old"


def test_the_error_of_a_source_is_its_own_and_leaves_nothing(store: ObjectStore) -> None:
    class Broken:
        def __init__(self) -> None:
            self._left = 2

        def readinto(self, buffer: memoryview, /) -> int:
            self._left -= 1
            if self._left < 0:
                raise ConnectionResetError("the sender went away")
            return buffer[: 5 * MIB].nbytes

    with pytest.raises(ConnectionResetError):
        store.put("key", Broken(), MANY_PARTS)
    assert list(store.list()) == []
    assert list(store.unfinished_uploads()) == []


def test_a_missing_object_is_missing_to_every_question(store: ObjectStore) -> None:
    with pytest.raises(ObjectMissing):
        store.stat("nothing")
    with pytest.raises(ObjectMissing):
        get(store, "nothing")
    with pytest.raises(ObjectMissing):
        get(store, "nothing", 5, 0)


def test_second_delete_changes_nothing(store: ObjectStore) -> None:
    put(store, "key", b"body")
    put(store, "other", b"body")
    store.delete("key")
    store.delete("key")
    assert list(store.list()) == ["other"]


def test_keys_are_listed_by_prefix_in_the_order_of_their_bytes(store: ObjectStore) -> None:
    keys = ["a-b", "a.b", "a/b", "a/c/d", "a0", "a_b", "b/a"]
    for key in reversed(keys):
        put(store, key, b"body")
    assert list(store.list()) == keys
    assert list(store.list("a/")) == ["a/b", "a/c/d"]
    assert list(store.list("a/c")) == ["a/c/d"]
    assert list(store.list("nothing/here")) == []


def test_another_instance_sees_the_same_objects(store: ObjectStore, reopen: Reopen) -> None:
    stat = put(store, "key", b"body")
    other = reopen()
    assert other.stat("key") == stat
    assert get(other, "key") == b"body"


def test_a_store_that_serves_passes_its_check(store: ObjectStore) -> None:
    store.check()
    assert list(store.list()) == []


def test_threads_do_not_disturb_each_other(store: ObjectStore) -> None:
    def round_trip(number: int) -> bool:
        body = body_of(6 * MIB if number % 5 == 0 else 65_688, seed=number)
        put(store, f"key-{number}", body)
        return get(store, f"key-{number}") == body

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(round_trip, range(24)))
