"""Back up a file: header and body as one Crypt4GH file, read back and compared."""

import hashlib

from shared.crypto.reading import Reader
from shared.database.records import File
from shared.errors import FileRefused, TransientError
from shared.storage.errors import IncompleteBody, ObjectMissing
from shared.storage.port import ObjectStore

CHUNK = 1024 * 1024


def back_up(file: File, archived_sha256: str, archive: ObjectStore, backup: ObjectStore) -> str:
    """Copy a file to the backup store and return the SHA-256 of the copy as it was read back.

    The copy is what the submitter sent, so the archive key and any Crypt4GH tool suffice to restore it. Raises
    FileRefused if the archived body is missing or no longer what verify found, TransientError if the copy differs.
    """
    assert file.header is not None
    assert file.archive_size is not None
    try:
        with archive.open(file.id) as body:
            source = _Joined(file.header, body)
            backup.put(file.id, source, len(file.header) + file.archive_size)
    except (ObjectMissing, IncompleteBody):
        raise _lost() from None
    if source.body.hexdigest() != archived_sha256:
        backup.delete(file.id)
        raise _lost()
    try:
        copy = _sha256(file, backup)
    except ObjectMissing:
        # a cancellation at the same moment deletes it; the commit tells
        raise TransientError("the backup copy is gone as soon as it was made") from None
    if copy != source.whole.hexdigest():
        raise TransientError("the backup copy differs from what was sent to the store")
    return copy


def _lost() -> FileRefused:
    return FileRefused("the archived body is missing or damaged: trigger the ingestion of the file again")


class _Joined:
    """Reads the header, then the body, and hashes both."""

    def __init__(self, header: bytes, body: Reader) -> None:
        self._header = memoryview(header)
        self._body = body
        self.body = hashlib.sha256()
        self.whole = hashlib.sha256(header)

    def readinto(self, buffer: memoryview, /) -> int:
        if self._header:
            count = min(len(self._header), len(buffer))
            buffer[:count] = self._header[:count]
            self._header = self._header[count:]
            return count
        count = self._body.readinto(buffer)
        self.body.update(buffer[:count])
        self.whole.update(buffer[:count])
        return count


def _sha256(file: File, backup: ObjectStore) -> str:
    digest, buffer = hashlib.sha256(), memoryview(bytearray(CHUNK))
    with backup.open(file.id) as body:
        while count := body.readinto(buffer):
            digest.update(buffer[:count])
    return digest.hexdigest()
