"""Finalize: one accession id for each file, and a backup that was read back."""

import functools

import pytest

from shared.broker.outcomes import Outcome
from shared.storage.directory import DirectoryStore
from shared.storage.port import Reader, Stat
from tests.unit.pipeline.kit import LARGE, SMALL, USER, Archive
from tests.unit.pipeline.objects import both, held, keep


@pytest.mark.parametrize("size", [0, SMALL, LARGE])
def test_ready_file_has_its_id_and_a_whole_backup(node: Archive, size: int) -> None:
    upload = node.verified(size)
    result = node.give(upload, "F-1")
    file = node.file(upload)
    assert (file.state, file.accession, file.backup_location) == ("ready", "F-1", "backup")
    assert held(node.backup, upload.id) == upload.content
    assert node.checksums(upload)["backup"] == {"sha256": both(upload.content)["sha256"]}
    assert node.happened(upload)[-2:] == ["backed up", "ready"]
    [message] = result.sent["completed"]
    assert (message["user"], message["filepath"], message["accession_id"]) == (USER, upload.path, "F-1")
    assert {c["type"]: c["value"] for c in message["decrypted_checksums"]} == both(upload.plain)


def test_second_delivery_changes_nothing(node: Archive) -> None:
    upload = node.ready("F-1")
    before = node.file(upload)
    result = node.give(upload, "F-1")
    assert (result.outcome, result.sent, node.file(upload)) == (Outcome.DONE, {}, before)


def test_another_id_for_a_file_that_has_one_is_refused(node: Archive) -> None:
    upload = node.ready("F-1")
    result = node.give(upload, "F-2")
    assert "F-1 already" in result.sent["error"][0]["reason"]
    assert (node.state(upload), node.file(upload).accession) == ("ready", "F-1")


def test_id_of_another_file_is_refused(node: Archive) -> None:
    node.ready("F-1")
    upload = node.verified()
    result = node.give(upload, "F-1")
    assert "belongs to another file" in result.sent["error"][0]["reason"]
    assert node.state(upload) == "verified"
    assert node.give(upload, "F-2").outcome is Outcome.DONE


@pytest.mark.parametrize("stage", ["uploaded", "archived", "error"])
def test_id_before_the_file_is_verified_comes_again(node: Archive, stage: str) -> None:
    upload = node.archived() if stage == "archived" else node.upload(content=b"no" if stage == "error" else None)
    if stage == "error":
        node.trigger(upload)
    assert node.state(upload) == stage
    assert node.give(upload, "F-1").outcome is Outcome.NOT_YET
    assert node.state(upload) == stage


def test_id_after_a_cancellation_is_refused_and_the_copy_deleted(node: Archive) -> None:
    upload = node.verified()
    node.trigger(upload, "cancel")
    keep(node.backup, upload.id, b"left by a worker that was too late")
    result = node.give(upload, "F-1")
    assert "was cancelled" in result.sent["error"][0]["reason"]
    assert node.state(upload) == "cancelled"
    assert not list(node.backup.list())


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_other_checksums_in_the_message_are_refused_and_the_file_stays_verified(node: Archive, algorithm: str) -> None:
    upload = node.verified()
    message = {
        "type": "accession", "user": USER, "filepath": upload.path, "accession_id": "F-1",
        "decrypted_checksums": [{"type": algorithm, "value": "0" * len(both(b"")[algorithm])}],
    }  # fmt: skip
    result = node.deliver(node.finalize, message, upload.id)
    assert f"the {algorithm} of the plaintext" in result.sent["error"][0]["reason"]
    assert node.state(upload) == "verified"


@pytest.mark.parametrize("ending", [".c4gh.sha256", ".sha256", ".md5"])
def test_checksum_file_that_came_after_verification_is_compared(node: Archive, ending: str) -> None:
    upload = node.verified()
    node.sidecar(upload, ending, "0" * len(both(b"")[ending.rpartition(".")[2]]))
    assert node.give(upload, "F-1").outcome is Outcome.REFUSED
    assert node.state(upload) == "error"


@pytest.mark.parametrize("harm", ["flipped", "cut", "lost"])
@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_damaged_body_gets_no_backup(node: Archive, harm: str, size: int) -> None:
    upload = node.verified(size)
    if harm == "lost":
        node.archive.delete(upload.id)
    else:
        keep(node.archive, upload.id, upload.body[:-1] + (b"" if harm == "cut" else bytes([upload.body[-1] ^ 1])))
    result = node.give(upload, "F-1")
    assert "missing or damaged" in result.sent["error"][0]["reason"]
    assert node.state(upload) == "error"
    assert not list(node.backup.list())


def test_damaged_file_is_ready_after_it_was_ingested_again(node: Archive) -> None:
    upload = node.verified()
    node.archive.delete(upload.id)
    node.give(upload, "F-1")
    node.trigger(upload)
    node.check(upload)
    assert node.give(upload, "F-1").outcome is Outcome.DONE


class FlippingStore:
    """A store whose disk turns a bit in what it is given."""

    def __init__(self, store: object) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def put(self, key: str, source: Reader, size: int) -> Stat:
        assert isinstance(self._store, DirectoryStore)
        return self._store.put(key, _Flipping(source), size)


class _Flipping:
    def __init__(self, source: Reader) -> None:
        self._source = source

    def readinto(self, buffer: memoryview, /) -> int:
        piece = memoryview(bytearray(len(buffer)))
        count = self._source.readinto(piece)
        if count:
            piece[count - 1] ^= 1
        buffer[:count] = piece[:count]
        return count


class ForgettingStore(FlippingStore):
    """A store that says it has what it was given, and has not."""

    def put(self, key: str, source: Reader, size: int) -> Stat:
        assert isinstance(self._store, DirectoryStore)
        stat = self._store.put(key, source, size)
        self._store.delete(key)
        return stat


@pytest.mark.parametrize("kind", [FlippingStore, ForgettingStore])
def test_backup_that_reads_back_otherwise_is_made_again(node: Archive, kind: type[FlippingStore]) -> None:
    upload = node.verified()
    node.backup_store = kind(node.backup.wrapped)  # type: ignore[assignment]
    assert node.give(upload, "F-1").outcome is Outcome.RETRY
    assert (node.state(upload), node.file(upload).accession) == ("verified", None)
    node.backup_store = node.backup
    assert node.give(upload, "F-1", attempt=1).outcome is Outcome.DONE
    assert held(node.backup, upload.id) == upload.content


def test_two_files_given_the_same_id_at_once_do_not_both_get_it(node: Archive) -> None:
    first, second = node.verified(), node.verified()
    handler, rivals = node.finalize, iter([True])

    @functools.wraps(handler)
    def overtaken(delivery: object, unit: object) -> None:
        handler(delivery, unit)  # type: ignore[arg-type]
        if next(rivals, False):
            node.give(second, "F-1")

    message = {
        "type": "accession", "user": USER, "filepath": first.path, "accession_id": "F-1", "decrypted_checksums": [],
    }  # fmt: skip
    result = node.deliver(overtaken, message, first.id)
    assert result.outcome is Outcome.REFUSED
    assert (node.state(first), node.state(second)) == ("verified", "ready")
