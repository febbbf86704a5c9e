"""Back up a file: header and body as one Crypt4GH file, read back and compared."""

from shared.crypto.hashing import sha256_of
from shared.database.pictures import Known
from shared.database.records import ChecksumSource, File
from shared.errors import FileRefused, TransientError
from shared.storage.bodies import Joined
from shared.storage.copying import fill
from shared.storage.errors import IncompleteBody, ObjectMissing
from shared.storage.moving import move, remove
from shared.storage.port import ObjectStore


def back_up(file: File, known: Known, archive: ObjectStore, backup: ObjectStore, *, large: bool) -> str:
    """Copy a file to the backup store and return the SHA-256 of the copy as it was read back.

    The copy is what the submitter sent, so the archive key and any Crypt4GH tool restore it; it must have the
    SHA-256 that verify found. `large`: worth a copy inside the store, or in parts. Raises FileRefused if the archived
    body is missing or no longer what verify found, TransientError if the copy alone differs.
    """
    try:
        _copy(file, archive, backup, large=large)
    except (ObjectMissing, IncompleteBody):
        raise _lost(file, backup) from None
    try:
        copy = _sha256(backup, file)
    except ObjectMissing:
        # a cancellation at the same moment deletes it; the commit tells
        raise TransientError("the backup copy is gone as soon as it was made") from None
    if copy != known[ChecksumSource.UPLOADED]["sha256"]:
        _find_damage(file, known[ChecksumSource.ARCHIVED]["sha256"], archive, backup)
    return copy


def _copy(file: File, archive: ObjectStore, backup: ObjectStore, *, large: bool) -> None:
    assert file.header is not None
    assert file.archive_size is not None
    if large:
        move(archive, file.id, 0, file.archive_size, backup, file.id, head=file.header)
        return
    with archive.open(file.id) as body:
        backup.put(file.id, Joined(file.header, body), len(file.header) + file.archive_size)


def _find_damage(file: File, archived: str, archive: ObjectStore, backup: ObjectStore) -> None:
    """Say what is damaged, body or copy, by reading the body: raises FileRefused or TransientError.

    Neither is if only the header differs from that of the upload: the archive may seal it anew, for a new key.
    """
    assert file.header is not None
    try:
        if _sha256(archive, file) != archived:
            raise _lost(file, backup)
    except ObjectMissing:
        raise _lost(file, backup) from None
    if _sha256(backup, file, offset=len(file.header)) != archived or not _begins_with(backup, file, file.header):
        raise TransientError("the backup copy differs from what was sent to the store")


def _lost(file: File, backup: ObjectStore) -> FileRefused:
    remove(backup, file.id)
    return FileRefused("the archived body is missing or damaged: trigger the ingestion of the file again")


def _sha256(store: ObjectStore, file: File, *, offset: int = 0) -> str:
    with store.open(file.id, offset) as body:
        return sha256_of(body, size=len(file.header or b"") + (file.archive_size or 0))


def _begins_with(store: ObjectStore, file: File, header: bytes) -> bool:
    found = memoryview(bytearray(len(header)))
    with store.open(file.id, 0, len(header)) as body:
        fill(body, found)
    return found == header
