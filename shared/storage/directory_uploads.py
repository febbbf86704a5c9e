"""Uploads in parts to a directory store: one folder per upload, one file per part, so that a crash loses no part.

uploads/<upload id>/key             the object's key; its time of writing is when the upload was started
uploads/<upload id>/00001-<md5>     the first part, named by its number and the MD5 of its bytes
uploads/<upload id>/done            the tag of the object that was made of the parts; the parts are gone then
"""

import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from shared.storage.errors import UploadMissing
from shared.storage.files import (
    FOLDER_MODE,
    append_range,
    file_errors,
    new_file,
    publish,
    sync_folder,
    write_all,
    write_from,
)
from shared.storage.port import Part, Parts, Reader, UnfinishedUpload

_UPLOAD_ID = re.compile("[0-9a-f]{32}")
_PART = re.compile("[0-9]{5}-[0-9a-f]{32}")


class DirectoryUploads:
    """The unfinished uploads in `folder`; new files begin in `partial`, on the same file system."""

    def __init__(self, folder: Path, partial: Path) -> None:
        self._folder = folder
        self._partial = partial

    def start(self, key: str) -> str:
        """Begin an upload and return its id."""
        upload_id = uuid.uuid4().hex
        with file_errors():
            (self._folder / upload_id).mkdir(mode=FOLDER_MODE)
            sync_folder(self._folder)
            self._note(upload_id, "key", key)
        return upload_id

    def put_part(self, key: str, upload_id: str, number: int, body: memoryview) -> Part:
        """Store a part in place of an older one of this number. Raises UploadMissing."""
        folder = self._living(key, upload_id)
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        with new_file(self._partial) as file:
            with file_errors():
                write_all(body, file)
            return self._keep(file, folder, Part(number, body.nbytes, etag))

    def put_part_from(self, key: str, upload_id: str, number: int, source: Reader, size: int) -> Part:
        """Store a part of exactly `size` bytes as they are read. Raises UploadMissing, IncompleteBody."""
        folder = self._living(key, upload_id)
        hashed = _Hashed(source)
        with new_file(self._partial) as file:
            write_from(hashed, size, file)
            return self._keep(file, folder, Part(number, size, hashed.md5.hexdigest()))

    def parts(self, key: str, upload_id: str) -> Parts:
        """Parts stored so far, by number. Raises UploadMissing."""
        folder = self._living(key, upload_id)
        with file_errors(missing=UploadMissing):
            files = sorted((path for path in folder.iterdir() if _PART.fullmatch(path.name)), key=_age)
            # of two files for one number, left by a crash, the newer one counts
            newest = {
                int(path.name[:5]): Part(int(path.name[:5]), path.stat().st_size, path.name[6:]) for path in files
            }
        return sorted(newest.values())

    def assemble(self, key: str, upload_id: str, parts: Sequence[Part], file: FileIO) -> None:
        """Append the parts to `file` inside the kernel. Raises UploadMissing."""
        folder = self._living(key, upload_id)
        with file_errors(missing=UploadMissing):
            for part in parts:
                with FileIO(folder / _part_name(part.number, part.etag)) as source:
                    append_range(source, 0, os.fstat(source.fileno()).st_size, file)

    def finish(self, upload_id: str, etag: str) -> None:
        """Note the object that was made, so that a repeated call is known, and drop the parts."""
        with file_errors(missing=UploadMissing):
            self._note(upload_id, "done", etag)
            for path in (self._folder / upload_id).iterdir():
                if _PART.fullmatch(path.name):
                    path.unlink(missing_ok=True)

    def finished(self, key: str, upload_id: str) -> str | None:
        """Tag of the object that this upload has become; None if it is unfinished. Raises UploadMissing."""
        folder = self._existing(key, upload_id)
        try:
            with file_errors(missing=UploadMissing):
                return (folder / "done").read_text(encoding="ascii")
        except UploadMissing:
            return None

    def abort(self, key: str, upload_id: str) -> None:
        """Drop an upload and its parts. Raises UploadMissing."""
        folder = self._existing(key, upload_id)
        with file_errors(missing=UploadMissing):
            shutil.rmtree(folder)
            sync_folder(self._folder)

    def unfinished(self) -> Iterator[UnfinishedUpload]:
        """Uploads that were neither completed nor aborted."""
        with file_errors():
            folders = list(self._folder.iterdir())
        for folder in folders:
            with suppress(UploadMissing):  # it may end while we look
                yield self._described(folder)

    def _described(self, folder: Path) -> UnfinishedUpload:
        note = folder / "key"
        with file_errors(missing=UploadMissing):
            upload = UnfinishedUpload(
                note.read_text(encoding="ascii"), folder.name, datetime.fromtimestamp(note.stat().st_mtime, UTC)
            )
        self._living(upload.key, upload.upload_id)
        return upload

    def _existing(self, key: str, upload_id: str) -> Path:
        if not _UPLOAD_ID.fullmatch(upload_id):
            raise UploadMissing
        folder = self._folder / upload_id
        with file_errors(missing=UploadMissing):
            if (folder / "key").read_text(encoding="ascii") != key:
                raise UploadMissing
        return folder

    def _living(self, key: str, upload_id: str) -> Path:
        if self.finished(key, upload_id) is not None:
            raise UploadMissing
        return self._folder / upload_id

    def _keep(self, file: FileIO, folder: Path, part: Part) -> Part:
        with file_errors(missing=UploadMissing):
            publish(file, folder / _part_name(part.number, part.etag))
            self._drop_all_but_newest(folder, part.number)
        return part

    def _note(self, upload_id: str, name: str, text: str) -> None:
        with new_file(self._partial) as file:
            write_all(memoryview(text.encode("ascii")), file)
            publish(file, self._folder / upload_id / name)

    def _drop_all_but_newest(self, folder: Path, number: int) -> None:
        *older, _ = sorted(folder.glob(_part_name(number, "*")), key=_age)
        for path in older:
            path.unlink(missing_ok=True)


class _Hashed:
    """Reads a body, and knows its MD5 in the end."""

    def __init__(self, source: Reader) -> None:
        self._source = source
        self.md5 = hashlib.md5(usedforsecurity=False)

    def readinto(self, buffer: memoryview, /) -> int:
        count = self._source.readinto(buffer)
        self.md5.update(buffer[:count])
        return count


def _part_name(number: int, etag: str) -> str:
    return f"{number:05d}-{etag}"


def _age(path: Path) -> tuple[int, str]:
    return path.stat().st_mtime_ns, path.name
