"""Promises of moving objects from any store to any store: nothing is lost by a crash, and nothing stays behind."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from shared.storage.directory import DirectoryStore
from shared.storage.errors import IncompleteBody, ObjectMissing, StoreUnavailable
from shared.storage.moving import move, remove, stream
from shared.storage.port import ObjectStore, Part, Stat
from shared.storage.sizes import MIB, MIN_PART
from tests.contract.storage.kit import Bucket, Reopen, body_of, get, put

BODY = body_of(23 * MIB)
HEAD = b"a header of the file"
OFFSET = 124
LENGTH = len(BODY) - OFFSET
PARTS = 5
"""Parts of 5 MiB in which the range is sent or copied."""

Mover = Callable[..., Stat]


def streamed(  # noqa: PLR0917 - as what it calls
    source: ObjectStore, key: str, offset: int, length: int, target: ObjectStore, to: str, **named: Any
) -> Stat:
    return stream(source, key, offset, length, target, to, least_part=MIN_PART, **named)


class Killed(BaseException):
    """The process ends."""


class Counting:
    """A store that counts the parts that are sent to it, and can end the process at one of them."""

    def __init__(self, store: ObjectStore, *, dies_at: int | None = None) -> None:
        self._store = store
        self._dies_at = dies_at
        self.parts = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put_part(self, *arguments: Any) -> Any:
        self.parts += 1
        if self.parts == self._dies_at:
            raise Killed
        return self._store.put_part(*arguments)

    def abort_upload(self, key: str, upload_id: str) -> None:
        if self._dies_at is None:
            self._store.abort_upload(key, upload_id)


@pytest.fixture(params=["copied", "streamed"])
def mover(request: pytest.FixtureRequest) -> Mover:
    return move if request.param == "copied" else streamed


@pytest.fixture
def elsewhere(tmp_path: Path) -> ObjectStore:
    """A store from which no other can copy."""
    store = DirectoryStore(tmp_path / "elsewhere", name="elsewhere")
    put(store, "source", BODY)
    return store


@pytest.mark.parametrize("length", [0, 1, MIN_PART - 1, MIN_PART, MIN_PART + 1, 11 * MIB, LENGTH])
@pytest.mark.parametrize("head", [b"", HEAD])
def test_what_arrives_is_head_and_range(store: ObjectStore, mover: Mover, head: bytes, length: int) -> None:
    put(store, "source", BODY)
    stat = mover(store, "source", OFFSET, length, store, "target", head=head)
    assert stat == store.stat("target")
    assert get(store, "target") == head + BODY[OFFSET : OFFSET + length]
    assert list(store.unfinished_uploads()) == []


def test_a_store_that_cannot_copy_is_streamed_to(store: ObjectStore, elsewhere: ObjectStore) -> None:
    assert not isinstance(store, DirectoryStore) or store.can_copy_from(elsewhere)
    stream(elsewhere, "source", OFFSET, LENGTH, store, "target", head=HEAD)
    move(store, "target", 0, len(HEAD) + LENGTH, elsewhere, "back")
    assert get(elsewhere, "back") == HEAD + BODY[OFFSET:]


@pytest.mark.parametrize(("offset", "length"), [(0, len(BODY) + 1), (len(BODY) + 1, 1), (17 * MIB, 17 * MIB)])
def test_a_range_past_the_end_of_the_source_leaves_nothing(
    store: ObjectStore, mover: Mover, offset: int, length: int
) -> None:
    put(store, "source", BODY)
    with pytest.raises(IncompleteBody):
        mover(store, "source", offset, length, store, "target", head=HEAD)
    assert list(store.list()) == ["source"]
    assert list(store.unfinished_uploads()) == []


def test_a_missing_source_leaves_nothing(store: ObjectStore, mover: Mover) -> None:
    with pytest.raises(ObjectMissing):
        mover(store, "nothing", 0, LENGTH, store, "target", head=HEAD)
    assert list(store.list()) == []
    assert list(store.unfinished_uploads()) == []


@pytest.mark.parametrize("head", [b"", HEAD])
@pytest.mark.parametrize("dies_at", [1, 3, PARTS])
def test_a_stream_goes_on_after_the_last_part_that_arrived(
    store: ObjectStore, reopen: Reopen, elsewhere: ObjectStore, head: bytes, dies_at: int
) -> None:
    with pytest.raises(Killed):
        streamed(elsewhere, "source", OFFSET, LENGTH, Counting(store, dies_at=dies_at), "target", head=head)
    [upload] = store.unfinished_uploads("target")
    kept = {part.number for part in store.list_parts("target", upload.upload_id)}
    again = Counting(reopen())
    streamed(elsewhere, "source", OFFSET, LENGTH, again, "target", head=head)
    assert again.parts == PARTS - len(kept) + (1 in kept and bool(head))
    assert get(store, "target") == head + BODY[OFFSET:]
    assert list(store.unfinished_uploads()) == []


def test_another_head_of_the_same_length_replaces_the_one_that_was_sent(
    store: ObjectStore, elsewhere: ObjectStore
) -> None:
    with pytest.raises(Killed):
        streamed(elsewhere, "source", 0, LENGTH, Counting(store, dies_at=PARTS), "target", head=HEAD)
    streamed(elsewhere, "source", 0, LENGTH, store, "target", head=HEAD[::-1])
    assert get(store, "target") == HEAD[::-1] + BODY[:LENGTH]


def test_an_upload_that_was_cut_otherwise_is_begun_anew(store: ObjectStore, mover: Mover) -> None:
    put(store, "source", BODY)
    for size in (6 * MIB, 7 * MIB):
        store.put_part("target", store.start_upload("target"), 1, body_of(size, seed=2))
    mover(store, "source", OFFSET, LENGTH, store, "target", head=HEAD)
    assert get(store, "target") == HEAD + BODY[OFFSET:]
    if mover is streamed or not isinstance(store, DirectoryStore):
        assert list(store.unfinished_uploads("target")) == []


def test_a_process_presumed_dead_does_no_harm_to_its_successor(store: ObjectStore, elsewhere: ObjectStore) -> None:
    class Overtaken(Counting):
        """Another process does the same work, from beginning to end, before the third part is sent."""

        def put_part(self, *arguments: Any) -> Any:
            if self.parts == 2:
                with suppress(StoreUnavailable):
                    streamed(elsewhere, "source", 0, LENGTH, store, "target", head=HEAD)
            return super().put_part(*arguments)

    with pytest.raises(StoreUnavailable):
        streamed(elsewhere, "source", 0, LENGTH, Overtaken(store), "target", head=HEAD)
    assert get(store, "target") == HEAD + BODY[:LENGTH]
    assert list(store.unfinished_uploads()) == []


def test_what_is_removed_leaves_no_unfinished_upload(store: ObjectStore) -> None:
    put(store, "key", b"body")
    put(store, "key2", b"body")
    for key in ("key", "key", "key2"):
        store.put_part(key, store.start_upload(key), 1, b"part")
    remove(store, "key")
    remove(store, "key")
    assert list(store.list()) == ["key2"]
    assert [upload.key for upload in store.unfinished_uploads()] == ["key2"]


def test_a_copy_goes_on_after_the_last_part_that_was_copied(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    store = bucket.store()
    put(store, "source", BODY)
    upload = store.start_upload("target")
    store.put_part("target", upload, 1, HEAD + BODY[: 5 * MIB])
    # what no copy would give, so that it shows whether the part is kept
    store.put_part("target", upload, 3, bytes(5 * MIB))
    copied: list[int] = []
    copy_part = store._requests.copy_part

    def noted(*given: Any) -> Part:
        copied.append(given[-1].number)
        return copy_part(*given)

    monkeypatch.setattr(store._requests, "copy_part", noted)
    store.copy_range(store, "source", 0, len(BODY), "target", head=HEAD)
    assert sorted(copied) == [2, 4, 5]
    assert get(store, "target") == HEAD + BODY[: 10 * MIB] + bytes(5 * MIB) + BODY[15 * MIB :]
    assert list(store.unfinished_uploads()) == []


def test_a_passing_fault_keeps_the_parts_and_another_error_drops_them(
    store: ObjectStore, elsewhere: ObjectStore
) -> None:
    class Failing(Counting):
        def put_part(self, *arguments: Any) -> Any:
            self.parts += 1
            if self.parts == 3:
                raise error
            return self._store.put_part(*arguments)

    for error, left in ((StoreUnavailable("away"), 1), (IncompleteBody("short"), 0)):
        with pytest.raises(type(error)):
            streamed(elsewhere, "source", 0, LENGTH, Failing(store), f"target-{left}")
        assert len(list(store.unfinished_uploads(f"target-{left}"))) == left
