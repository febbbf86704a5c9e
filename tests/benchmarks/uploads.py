"""Files in an inbox: put there and registered as the inbox does it, without the time that SFTP takes."""

import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from shared.broker.commit import Routing, UnitWriter
from shared.broker.unit import Unit
from shared.crypto.header import seal_header
from shared.crypto.keys import PublicKey
from shared.crypto.segments import CIPHER_SEGMENT, SEGMENT, Encryptor
from shared.database.engine import Database
from shared.identifiers import FileId, new_file_id
from shared.storage.port import ObjectStore, Reader
from tests.stack.rows import FILE_ROW

USER = "bench"
HEADER = 124
THREADS = 4


@dataclass(frozen=True)
class Upload:
    """A file that waits in the inbox; `size` in bytes, with its header."""

    id: FileId
    path: str
    size: int


@dataclass(frozen=True)
class Inbox:
    """Where uploads go: the store, the database, and how the node's messages are routed."""

    database: Database
    store: ObjectStore
    routing: Routing
    reader: PublicKey

    def put_small(self, count: int) -> list[Upload]:
        """Upload files of one segment, each with a key of its own."""
        with ThreadPoolExecutor(THREADS) as threads:
            uploads = list(threads.map(self._put_small, range(count)))
        self._register(uploads)
        return uploads

    def put_large(self, plain_size: int) -> Upload:
        """Upload a file of so many bytes of plaintext, rounded down to whole segments."""
        content = LargeUpload(self.reader, plain_size)
        upload = self._put(content, content.size)
        self._register([upload])
        return upload

    def _put_small(self, _: int) -> Upload:
        content = small_upload(self.reader)
        return self._put(io.BytesIO(content), len(content))

    def _put(self, content: Reader, size: int) -> Upload:
        file = new_file_id()
        self.store.put(file, content, size)
        return Upload(file, f"{file}.c4gh", size)

    def _register(self, uploads: Sequence[Upload]) -> None:
        unit = Unit(USER)
        for upload in uploads:
            row = {"id": upload.id, "user": USER, "path": upload.path, "state": "uploaded", "size": upload.size}
            unit.add(FILE_ROW, registered_at=unit.at, changed_at=unit.at, inbox_location=self.store.name, **row)
        UnitWriter(self.database, self.routing).write([unit])


def small_upload(reader: PublicKey) -> bytes:
    """Encrypt one segment of random bytes."""
    key = os.urandom(32)
    segment = memoryview(bytearray(CIPHER_SEGMENT))
    Encryptor(key).encrypt(memoryview(os.urandom(SEGMENT)), segment)
    return seal_header([key], [reader]) + segment


class LargeUpload:
    """A valid Crypt4GH file of any size from one segment, which is sealed once and repeated."""

    def __init__(self, reader: PublicKey, plain_size: int) -> None:
        key = os.urandom(32)
        self._head = seal_header([key], [reader])
        self._segment = memoryview(bytearray(CIPHER_SEGMENT))
        Encryptor(key).encrypt(memoryview(os.urandom(SEGMENT)), self._segment)
        self.size = len(self._head) + plain_size // SEGMENT * CIPHER_SEGMENT
        self._position = 0

    def readinto(self, buffer: memoryview, /) -> int:
        count = min(len(buffer), self.size - self._position)
        done = 0
        while done < count:
            piece = self._piece()[: count - done]
            buffer[done : done + len(piece)] = piece
            done += len(piece)
            self._position += len(piece)
        return count

    def _piece(self) -> memoryview:
        if self._position < len(self._head):
            return memoryview(self._head)[self._position :]
        return self._segment[(self._position - len(self._head)) % CIPHER_SEGMENT :]
