"""What this process remembers of uploads: which are open, and the digests of those that were interrupted."""

import threading
from collections import OrderedDict
from typing import Protocol

from services.inbox.digests import Digests
from services.inbox.errors import Busy
from shared.database.records import File
from shared.identifiers import FileId

_REMEMBERED = 10_000
"""Interrupted uploads whose digests are kept, at about 1 KiB each; of older ones the checksums are left to verify."""


class OpenUpload(Protocol):
    """An upload that a session holds open."""

    @property
    def file(self) -> File: ...

    @property
    def safe_size(self) -> int:
        """Bytes from the beginning that the store keeps."""
        ...

    async def interrupt(self) -> None:
        """Keep what is safe, and take nothing more."""


class OpenUploads:
    """Shared by the sessions (on the event loop) and the use cases (on threads)."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._open: dict[FileId, OpenUpload] = {}
        self._digests: OrderedDict[FileId, Digests] = OrderedDict()

    def check_room(self) -> None:
        """Raise Busy while as many uploads are open as there may be."""
        if len(self._open) >= self._most:
            raise Busy("too many uploads are open at the same time, try again later")

    def opened(self, upload: OpenUpload) -> None:
        with self._lock:
            self._open[upload.file.id] = upload

    def closed(self, upload: OpenUpload) -> None:
        """Forget an upload, unless another session has taken it over meanwhile."""
        with self._lock:
            if self._open.get(upload.file.id) is upload:
                del self._open[upload.file.id]

    def get(self, file_id: FileId) -> OpenUpload | None:
        with self._lock:
            return self._open.get(file_id)

    def all(self) -> list[OpenUpload]:
        with self._lock:
            return list(self._open.values())

    def at(self, user: str, path: str) -> list[OpenUpload]:
        """Return the open uploads of a path."""
        return [upload for upload in self.all() if (upload.file.user, upload.file.path) == (user, path)]

    def remember(self, file_id: FileId, digests: Digests) -> None:
        """Keep the digests of what is stored of an upload, for the session that goes on with it."""
        with self._lock:
            self._digests[file_id] = digests
            self._digests.move_to_end(file_id)
            while len(self._digests) > _REMEMBERED:
                self._digests.popitem(last=False)

    def recall(self, file_id: FileId, size: int) -> Digests | None:
        """Return the digests of the first `size` bytes, if this process has seen them all."""
        if size == 0:
            return Digests()
        with self._lock:
            kept = self._digests.get(file_id)
            return kept.copy() if kept is not None and kept.size == size else None

    def forget(self, file_id: FileId) -> None:
        with self._lock:
            self._digests.pop(file_id, None)
