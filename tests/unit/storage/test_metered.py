import io
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from shared.storage.directory import DirectoryStore
from shared.storage.errors import IncompleteBody, ObjectMissing, StoreUnavailable
from shared.storage.metered import MeteredStore, StoreMetrics
from shared.storage.moving import stream


class Metered:
    """Two metered folders and what was counted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.registry = CollectorRegistry()
        metrics = StoreMetrics(self.registry)
        self.inbox, self.archive = (
            MeteredStore(DirectoryStore(folder / name, name=name), metrics) for name in ("inbox", "archive")
        )

    def requests(self, store: str, operation: str, outcome: str = "ok") -> float | None:
        labels = {"store": store, "operation": operation, "outcome": outcome}
        return self.registry.get_sample_value("strongroom_store_requests_total", labels)

    def bytes(self, store: str, direction: str) -> float | None:
        return self.registry.get_sample_value("strongroom_store_bytes_total", {"store": store, "direction": direction})

    def timed(self, store: str, operation: str) -> float | None:
        return self.registry.get_sample_value(
            "strongroom_store_seconds_count", {"store": store, "operation": operation}
        )


@pytest.fixture
def metered(tmp_path: Path) -> Metered:
    return Metered(tmp_path)


def test_a_transfer_counts_its_bytes_on_both_sides(metered: Metered) -> None:
    metered.inbox.put("key", io.BytesIO(b"0123456789"), 10)
    stream(metered.inbox, "key", 2, 5, metered.archive, "key")
    assert metered.bytes("inbox", "written") == 10
    assert metered.bytes("inbox", "read") == 5
    assert metered.bytes("archive", "written") == 5
    assert metered.requests("inbox", "open") == metered.requests("archive", "put") == 1
    assert metered.timed("inbox", "open") == 1


def test_a_copy_moves_no_bytes(metered: Metered) -> None:
    metered.inbox.put("key", io.BytesIO(b"0123456789"), 10)
    assert metered.archive.can_copy_from(metered.inbox)
    assert metered.archive.copy_range(metered.inbox, "key", 2, 5, "key").size == 5
    assert metered.requests("archive", "copy") == 1
    assert metered.bytes("inbox", "read") == metered.bytes("archive", "written") == 0


def test_a_bare_store_copies_from_a_metered_one(metered: Metered) -> None:
    metered.inbox.put("key", io.BytesIO(b"0123456789"), 10)
    bare = metered.archive.wrapped
    assert bare.can_copy_from(metered.inbox)
    assert bare.copy_range(metered.inbox, "key", 0, 3, "key").size == 3


def test_failures_are_counted_by_their_kind(metered: Metered) -> None:
    with pytest.raises(ObjectMissing):
        metered.inbox.stat("key")
    with pytest.raises(IncompleteBody):
        metered.inbox.put("key", io.BytesIO(b"0"), 2)
    with pytest.raises(ObjectMissing), metered.inbox.open("key"):
        pass
    assert metered.requests("inbox", "stat", "missing") == 1
    assert metered.requests("inbox", "put", "incomplete") == 1
    assert metered.requests("inbox", "open", "missing") == 1
    assert metered.bytes("inbox", "written") == 0


def test_a_body_that_breaks_off_is_counted(metered: Metered) -> None:
    metered.inbox.put("key", io.BytesIO(b"0123456789"), 10)
    with metered.inbox.open("key") as body:
        (metered.folder / "inbox" / "key").write_bytes(b"")
        with pytest.raises(StoreUnavailable):
            body.readinto(memoryview(bytearray(20)))
    assert metered.requests("inbox", "read", "unavailable") == 1


def test_a_listing_is_one_request(metered: Metered) -> None:
    for key in ("a", "b"):
        metered.inbox.put(key, io.BytesIO(b""), 0)
    assert list(metered.inbox.list()) == ["a", "b"]
    assert metered.requests("inbox", "list") == 1


def test_uploads_in_parts_are_counted(metered: Metered) -> None:
    upload = metered.inbox.start_upload("key")
    part = metered.inbox.put_part("key", upload, 1, b"0123456789")
    assert [found.upload_id for found in metered.inbox.unfinished_uploads()] == [upload]
    assert metered.inbox.list_parts("key", upload) == [part]
    metered.inbox.complete_upload("key", upload, [part])
    metered.inbox.abort_upload("key", upload)
    metered.inbox.check()
    metered.inbox.delete("key")
    assert metered.bytes("inbox", "written") == 10
    operations = ["start_upload", "put_part", "unfinished_uploads", "list_parts", "complete_upload", "abort_upload"]
    assert [metered.requests("inbox", operation) for operation in [*operations, "check", "delete"]] == [1] * 8
