"""An object store in a folder of a local file system: for the embedded node, small sites and backups on a mount."""

import os
import shutil
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from io import FileIO
from pathlib import Path

from shared.storage.bodies import ExpectedBody, check_range
from shared.storage.directory_uploads import DirectoryUploads
from shared.storage.errors import ObjectMissing, UploadMissing
from shared.storage.files import (
    FileBody,
    append_range,
    file_errors,
    make_folders,
    new_file,
    publish,
    stat_of,
    sync_folder,
    write_all,
    write_from,
)
from shared.storage.keys import check_key
from shared.storage.port import ObjectStore, Part, Parts, Reader, Stat, UnfinishedUpload, unwrapped
from shared.storage.sizes import check_part_number

_HIDDEN = ".strongroom"
_LEFTOVER_AGE = timedelta(days=1)


class DirectoryStore:
    """A folder that behaves like a bucket: the object `a/b` is the file `a/b`, so no key can be another one's folder.

    An object is written to a temporary file, which is synced and then renamed; what a crash leaves behind is removed
    when a store is made a day later. Files are for their owner only. Linux only: ranges are copied inside the kernel.
    """

    def __init__(self, root: Path, *, name: str) -> None:
        self._root = root.absolute()
        self._name = name
        self._partial = self._root / _HIDDEN / "partial"
        uploads = self._root / _HIDDEN / "uploads"
        self._uploads = DirectoryUploads(uploads, self._partial)
        with file_errors():
            make_folders(self._partial)
            make_folders(uploads)
            _sweep(self._partial, uploads)

    @property
    def name(self) -> str:
        """Name given to the folder."""
        return self._name

    def check(self) -> None:
        """Make a file, and remove it."""
        with new_file(self._partial):
            pass

    def put(self, key: str, source: Reader, size: int) -> Stat:
        """Store exactly `size` bytes of `source`. Raises IncompleteBody."""
        target = self._path(key)
        with new_file(self._partial) as file:
            write_from(source, size, file)
            return _publish(file, target)

    @contextmanager
    def open(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[Reader]:
        """Read a range of an object. Raises ObjectMissing."""
        check_range(offset, length)
        file = self._open(key)
        try:
            with file_errors():
                available = max(0, os.fstat(file.fileno()).st_size - offset)
                file.seek(offset)
            yield ExpectedBody(FileBody(file), available if length is None else min(available, length))
        finally:
            file.close()

    def stat(self, key: str) -> Stat:
        """Size and tag of an object. Raises ObjectMissing."""
        with file_errors(missing=ObjectMissing):
            found = self._path(key).stat()
        if not stat.S_ISREG(found.st_mode):
            raise ObjectMissing
        return stat_of(found)

    def delete(self, key: str) -> None:
        """Remove an object; a missing one is fine."""
        path = self._path(key)
        with suppress(ObjectMissing):
            self.stat(key)
            with file_errors(missing=ObjectMissing):
                path.unlink()
                sync_folder(path.parent)

    def list(self, prefix: str = "") -> Iterator[str]:
        """Keys that start with `prefix`, in the order of their bytes."""
        folder, slash, _ = prefix.rpartition("/")
        start = self._path(folder) if slash else self._root
        with suppress(ObjectMissing):
            yield from (key for key in _keys(start, folder + slash) if key.startswith(prefix))

    def can_copy_from(self, source: ObjectStore) -> bool:
        """Tell whether `source` is a folder on the same file system."""
        inner = unwrapped(source)
        if not isinstance(inner, DirectoryStore):
            return False
        with file_errors():
            return inner._root.stat().st_dev == self._root.stat().st_dev

    def copy_range(
        self, source: ObjectStore, source_key: str, offset: int, length: int, key: str, *, head: bytes = b""
    ) -> Stat:
        """Copy a range inside the kernel, always from its start; some file systems share the blocks instead."""
        check_range(offset, length)
        inner = unwrapped(source)
        if not isinstance(inner, DirectoryStore) or not self.can_copy_from(inner):
            raise ValueError("this store cannot copy from the other one")
        target = self._path(key)
        with inner._open(source_key) as origin, new_file(self._partial) as file:
            with file_errors():
                write_all(memoryview(head), file)
                append_range(origin, offset, length, file)
            return _publish(file, target)

    def presigned_get(self, key: str, expires: timedelta) -> str | None:  # noqa: ARG002
        """Return None: a folder has no URLs."""
        check_key(key)
        return None

    def start_upload(self, key: str) -> str:
        """Begin an upload in parts and return its id."""
        return self._uploads.start(check_key(key))

    def put_part(self, key: str, upload_id: str, number: int, body: bytes | bytearray | memoryview) -> Part:
        """Store a part, or replace it. Raises UploadMissing."""
        check_part_number(number)
        return self._uploads.put_part(key, upload_id, number, memoryview(body).cast("B"))

    def put_part_from(self, key: str, upload_id: str, number: int, source: Reader, size: int) -> Part:
        """Store a part of exactly `size` bytes as they are read. Raises UploadMissing, IncompleteBody."""
        check_part_number(number)
        return self._uploads.put_part_from(key, upload_id, number, source, size)

    def list_parts(self, key: str, upload_id: str) -> Parts:
        """Parts stored so far, by number. Raises UploadMissing."""
        return self._uploads.parts(key, upload_id)

    def complete_upload(self, key: str, upload_id: str, parts: Sequence[Part]) -> Stat:
        """Make the object of these parts; a crash at any point leaves either all of them or the object."""
        etag = self._uploads.finished(key, upload_id)
        if etag is not None:
            return self._made_before(key, etag)
        with new_file(self._partial) as file:
            self._uploads.assemble(key, upload_id, sorted(parts), file)
            made = _publish(file, self._path(key))
        self._uploads.finish(upload_id, made.etag)
        return made

    def abort_upload(self, key: str, upload_id: str) -> None:
        """Drop an upload and its parts; a missing one is fine."""
        with suppress(UploadMissing):
            self._uploads.abort(key, upload_id)

    def unfinished_uploads(self, key: str | None = None) -> Iterator[UnfinishedUpload]:
        """Uploads that were started, and neither completed nor aborted: those of one key, or all."""
        return (upload for upload in self._uploads.unfinished() if key in {None, upload.key})

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _open(self, key: str) -> FileIO:
        path = self._path(key)
        self.stat(key)
        with file_errors(missing=ObjectMissing):
            return FileIO(path)

    def _made_before(self, key: str, etag: str) -> Stat:
        with suppress(ObjectMissing):
            found = self.stat(key)
            if found.etag == etag:
                return found
        raise UploadMissing


def _publish(file: FileIO, target: Path) -> Stat:
    with file_errors():
        make_folders(target.parent)
        return publish(file, target)


def _keys(folder: Path, prefix: str) -> Iterator[str]:
    """Walk the visible files below `folder`; a folder sorts as its name with a slash, as its keys do."""
    with file_errors(missing=ObjectMissing), os.scandir(folder) as entries:
        found = sorted(entry.name + ("/" if entry.is_dir() else "") for entry in entries if entry.name[0] != ".")
    for name in found:
        if name.endswith("/"):
            yield from _keys(folder / name, prefix + name)
        else:
            yield prefix + name


def _sweep(partial: Path, uploads: Path) -> None:
    """Remove the temporary files and the notes of finished uploads that nobody will come back for."""
    eldest = time.time() - _LEFTOVER_AGE.total_seconds()
    for path in partial.iterdir():
        if path.stat().st_mtime < eldest:
            path.unlink(missing_ok=True)
    for folder in uploads.iterdir():
        finished = (folder / "done").exists() or not (folder / "key").exists()
        if finished and folder.stat().st_mtime < eldest:
            shutil.rmtree(folder, ignore_errors=True)
