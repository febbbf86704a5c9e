"""Files that last once they are named, and the border to the operating system's errors."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from shared.errors import StrongroomError
from shared.storage.copying import read_exactly
from shared.storage.errors import IncompleteBody, StoreRefused, StoreUnavailable
from shared.storage.port import Reader, Stat
from shared.storage.sizes import CHUNK

FOLDER_MODE = 0o700
FILE_MODE = 0o600


@contextmanager
def file_errors(*, missing: type[StrongroomError] = StoreUnavailable) -> Iterator[None]:
    """Translate OSError into StoreRefused or StoreUnavailable; a path that is not there raises `missing`."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise missing from error
    except (PermissionError, IsADirectoryError, FileExistsError) as error:
        raise StoreRefused(f"the folder refuses us: {error.strerror}") from error
    except OSError as error:
        raise StoreUnavailable(f"the folder does not work: {error.strerror}") from error


@contextmanager
def new_file(folder: Path) -> Iterator[FileIO]:
    """Make an unnamed-as-yet file in `folder`, removed at the end of the block unless `publish` has moved it."""
    path = folder / uuid.uuid4().hex
    with file_errors():
        file = FileIO(path, "x+", opener=_private)
    try:
        yield file
    finally:
        with file_errors():
            file.close()
            path.unlink(missing_ok=True)


def publish(file: FileIO, target: Path) -> Stat:
    """Give the file its name, and let nothing of it be lost by a crash from now on."""
    os.fsync(file.fileno())
    Path(os.fsdecode(file.name)).replace(target)
    sync_folder(target.parent)
    return stat_of(os.fstat(file.fileno()))


def write_from(source: Reader, size: int, file: FileIO) -> None:
    """Write exactly `size` bytes of `source`. Raises IncompleteBody; what the source itself raises is left alone."""
    buffer = memoryview(bytearray(min(size, CHUNK)))
    written = 0
    while written < size:
        count = read_exactly(source, buffer[: size - written])
        if not count:
            raise IncompleteBody(f"the source ended {size - written} bytes too early")
        with file_errors():
            write_all(buffer[:count], file)
        written += count


def write_all(data: memoryview, file: FileIO) -> None:
    """Write every byte; one call of the system may take fewer."""
    while data.nbytes:
        data = data[file.write(data) :]


def append_range(source: FileIO, offset: int, length: int, file: FileIO) -> None:
    """Append a range of another file inside the kernel. Raises IncompleteBody."""
    end = offset + length
    while offset < end:
        count = os.copy_file_range(source.fileno(), file.fileno(), end - offset, offset)
        if not count:
            raise IncompleteBody(f"the source ended {end - offset} bytes too early")
        offset += count


def make_folders(folder: Path) -> None:
    """Make a folder and those above it that are missing, so that a crash does not lose them."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def stat_of(result: os.stat_result) -> Stat:
    """Size, and a tag of what changes whenever another file takes the name: inode, time of writing, size."""
    return Stat(result.st_size, f"{result.st_ino:x}-{result.st_mtime_ns:x}-{result.st_size:x}")


class FileBody:
    """The bytes of an open file from where it stands."""

    def __init__(self, file: FileIO) -> None:
        self._file = file

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill `buffer` as far as one read goes. Raises StoreUnavailable."""
        with file_errors():
            return self._file.readinto(buffer) or 0


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)
