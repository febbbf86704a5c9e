"""Which files of a dataset are fetched, and what they are called here."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from services.cli.download.outbox import RemoteFile
from shared.errors import UserError

SUFFIX = ".c4gh"


@dataclass(frozen=True)
class Wanted:
    """A file to fetch, and where it goes."""

    file: RemoteFile
    target: Path

    @property
    def label(self) -> str:
        return self.file.path

    def record(self) -> Mapping[str, object]:
        return {"file": self.file.path, "id": self.file.id, "target": str(self.target)}


def wanted_files(files: Iterable[RemoteFile], names: Sequence[str], folder: Path, *, decrypt: bool) -> list[Wanted]:
    """Return the files that are named by id, path or pattern, or all if none is named.

    Raises UserError for a name that no file has, for a path that leads out of the folder, and for two files with one
    path.
    """
    unmet = set(names)
    wanted = [Wanted(file, folder / _local(file.path, decrypt=decrypt)) for file in _named(files, names, unmet)]
    if unmet:
        raise UserError(f"the dataset has no file {', '.join(sorted(unmet))}")
    _refuse_twins(wanted)
    return wanted


def _named(files: Iterable[RemoteFile], names: Sequence[str], unmet: set[str]) -> Iterator[RemoteFile]:
    for file in files:
        met = {name for name in names if name == file.id or fnmatchcase(file.path, name)}
        unmet -= met
        if met or not names:
            yield file


def _local(path: str, *, decrypt: bool) -> PurePosixPath:
    """Return a path below the folder of downloads, whatever the server says."""
    parts = path.split("/")
    if any(part in {"", ".", ".."} or not part.isprintable() for part in parts):
        raise UserError(f"{path!r} is no path for a file here: ask for the others by their names")
    encrypted = path.endswith(SUFFIX)
    if decrypt:
        return PurePosixPath(path.removesuffix(SUFFIX)) if encrypted and path != SUFFIX else PurePosixPath(path)
    return PurePosixPath(path if encrypted else path + SUFFIX)


def _refuse_twins(wanted: Sequence[Wanted]) -> None:
    seen: dict[Path, Wanted] = {}
    for one in wanted:
        other = seen.setdefault(one.target, one)
        if other is not one:
            raise UserError(
                f"{other.file.id} and {one.file.id} would both be {one.target}: fetch them by id, one by one, "
                "into folders of their own"
            )
