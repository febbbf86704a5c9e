"""Promises of the directory store alone."""

import io
import os
import signal
import stat
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from shared.storage.directory import DirectoryStore
from shared.storage.errors import StoreRefused, StoreUnavailable
from shared.storage.settings import open_store
from shared.storage.sizes import MIB
from tests.contract.storage.kit import body_of, drained, eventually, get, head, put

CRASHES = Path(__file__).with_name("crashing.py")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> DirectoryStore:
    return DirectoryStore(root, name="store")


def hidden_files(root: Path) -> list[Path]:
    return [path for path in (root / ".strongroom").rglob("*") if path.is_file()]


def test_only_the_owner_may_look(store: DirectoryStore, root: Path) -> None:
    put(store, "a/b/key", b"body")
    store.put_part("part", store.start_upload("part"), 1, b"body")
    for path in [root, *root.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_nothing_but_the_object_is_left(store: DirectoryStore, root: Path) -> None:
    put(store, "key", b"body")
    upload = store.start_upload("other")
    store.put_part("other", upload, 1, b"body")
    store.abort_upload("other", upload)
    store.check()
    assert hidden_files(root) == []


@pytest.mark.parametrize("key", ["../key", "/key", ".strongroom/partial/x", "a/../../key"])
def test_no_key_leads_out_of_the_folder(store: DirectoryStore, key: str) -> None:
    for request in (
        lambda: put(store, key, b"body"),
        lambda: get(store, key),
        lambda: store.stat(key),
        lambda: store.delete(key),
        lambda: store.start_upload(key),
    ):
        with pytest.raises(ValueError, match="not a key"):
            request()


def test_a_key_below_an_object_is_refused(store: DirectoryStore) -> None:
    put(store, "a", b"body")
    with pytest.raises(StoreRefused):
        put(store, "a/b", b"body")
    put(store, "c/d", b"body")
    with pytest.raises(StoreRefused):
        put(store, "c", b"body")
    assert list(store.list()) == ["a", "c/d"]


def test_a_body_cut_short_is_no_end(store: DirectoryStore, root: Path) -> None:
    put(store, "key", body_of(3 * MIB))
    with store.open("key") as body:
        assert len(head(body, MIB)) == MIB
        os.truncate(root / "key", 2 * MIB)
        with pytest.raises(StoreUnavailable):
            drained(body)


def test_a_folder_that_is_away_is_unavailable(store: DirectoryStore, root: Path) -> None:
    put(store, "key", b"body")
    root.rename(root.with_name("elsewhere"))
    with pytest.raises(StoreUnavailable):
        store.check()
    with pytest.raises(StoreUnavailable):
        put(store, "other", b"body")
    with pytest.raises(StoreUnavailable):
        store.start_upload("other")
    assert not root.exists()


def test_a_reader_keeps_the_object_it_opened(store: DirectoryStore) -> None:
    put(store, "key", b"first")
    with store.open("key") as body:
        put(store, "key", b"other")
        assert drained(body) == b"first"


def test_leftovers_of_a_crash_are_swept_a_day_later(store: DirectoryStore, root: Path) -> None:
    fresh, stale = (root / ".strongroom" / "partial" / name for name in ("fresh", "stale"))
    for path in (fresh, stale):
        path.write_bytes(b"half a body")
    yesterday = time.time() - timedelta(hours=25).total_seconds()
    os.utime(stale, (yesterday, yesterday))
    upload = store.start_upload("key")
    os.utime(root / ".strongroom" / "uploads" / upload, (yesterday, yesterday))
    later = DirectoryStore(root, name="store")
    assert fresh.exists()
    assert not stale.exists()
    assert [unfinished.upload_id for unfinished in later.unfinished_uploads()] == [upload]


def test_notes_of_completed_uploads_are_swept_a_day_later(store: DirectoryStore, root: Path) -> None:
    upload = store.start_upload("key")
    store.complete_upload("key", upload, [store.put_part("key", upload, 1, b"body")])
    yesterday = time.time() - timedelta(hours=25).total_seconds()
    os.utime(root / ".strongroom" / "uploads" / upload, (yesterday, yesterday))
    later = DirectoryStore(root, name="store")
    assert hidden_files(root) == []
    assert get(later, "key") == b"body"


def test_a_killed_writer_leaves_the_old_object_or_the_new(store: DirectoryStore, root: Path) -> None:
    put(store, "key", b"old")
    for _ in range(8):
        _kill_once_it_writes(root, "put")
        assert get(store, "key") in {b"old", body_of(24 * MIB)}


def test_a_completion_killed_anywhere_is_repeated(store: DirectoryStore, root: Path) -> None:
    for seed in range(8):
        body = body_of(24 * MIB, seed)
        upload = store.start_upload("key")
        parts = [store.put_part("key", upload, n + 1, body[n * 8 * MIB : (n + 1) * 8 * MIB]) for n in range(3)]
        _kill_once_it_writes(root, upload)
        stat = store.complete_upload("key", upload, parts)
        assert get(store, "key") == body
        assert store.complete_upload("key", upload, parts) == stat
    assert list(store.unfinished_uploads()) == []


def _kill_once_it_writes(root: Path, action: str) -> None:
    """Start a process that puts the object, or completes an upload of it, and kill it soon after it makes a file."""
    writer = subprocess.Popen([sys.executable, CRASHES, root, action], stdout=subprocess.PIPE)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writes\n"
        known = {path.name for path in (root / ".strongroom" / "partial").iterdir()}
        eventually(
            lambda: (
                writer.poll() is not None
                or any(path.name not in known for path in (root / ".strongroom" / "partial").iterdir())
            )
        )
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.communicate()


def test_folders_copy_on_one_file_system_only(store: DirectoryStore, tmp_path: Path) -> None:
    other = DirectoryStore(tmp_path / "other", name="other")
    put(other, "key", b"body")
    assert store.can_copy_from(other)
    store.copy_range(other, "key", 1, 2, "a/copy")
    assert get(store, "a/copy") == b"od"
    assert store.presigned_get("a/copy", timedelta(minutes=1)) is None


@pytest.mark.parametrize("scheme", ["dir:", "file://"])
def test_a_location_opens_the_store(tmp_path: Path, scheme: str) -> None:
    store = open_store(f"{scheme}{tmp_path}/archive", None)
    store.put("key", io.BytesIO(b"body"), 4)
    assert store.name == "archive"
    assert (tmp_path / "archive" / "key").read_bytes() == b"body"
