"""Which files are sent, and what they are called in the inbox."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from shared.errors import UserError

SUFFIX = ".c4gh"


@dataclass(frozen=True)
class Source:
    """A file to send, and its path in the inbox."""

    path: Path
    key: str
    size: int

    @property
    def label(self) -> str:
        return str(self.path)

    def record(self) -> Mapping[str, object]:
        return {"file": str(self.path), "key": self.key}


@dataclass(frozen=True)
class Found:
    """What the paths of a command line come to; `passed_over` says what is not sent, and why."""

    sources: list[Source]
    passed_over: list[str]


def find_sources(paths: Sequence[Path], folder: str) -> Found:
    """Return the files that are named, and all files in folders that are named, by their paths in the inbox.

    A file goes into `folder` of the inbox, a folder goes there with its name and keeps what is below it. What is
    encrypted gets the ending .c4gh. Raises UserError for a path that is not there, and for two files with one name.
    """
    passed_over: list[str] = []
    sources = sorted(
        (_source(path, key) for path, key in _walk_all(paths, _inside(folder), passed_over)), key=lambda one: one.key
    )
    _refuse_twins(sources)
    if not sources:
        raise UserError("there is no file to upload")
    return Found(sources, passed_over)


def _inside(folder: str) -> PurePosixPath:
    kept = [name for name in folder.split("/") if name not in {"", "."}]
    if ".." in kept:
        raise UserError(f"{folder}: say the folder of the inbox without `..`")
    return PurePosixPath(*kept)


def _walk_all(
    paths: Iterable[Path], folder: PurePosixPath, passed_over: list[str]
) -> Iterator[tuple[Path, PurePosixPath]]:
    for path in paths:
        if path.is_dir():
            yield from _walk(path, folder / path.resolve().name, passed_over)
        elif path.is_file():
            yield path, folder / path.name
        else:
            raise UserError(f"{path} is " + ("neither a file nor a folder" if path.exists() else "not there"))


def _walk(folder: Path, key: PurePosixPath, passed_over: list[str]) -> Iterator[tuple[Path, PurePosixPath]]:
    entries = sorted(folder.iterdir())
    if not entries:
        passed_over.append(f"{folder}: an empty folder")
    for path in entries:
        if path.is_symlink() and path.is_dir():
            passed_over.append(f"{path}: a link to a folder")
        elif path.is_dir():
            yield from _walk(path, key / path.name, passed_over)
        elif path.is_file():
            yield path, key / path.name
        else:
            passed_over.append(f"{path}: " + ("a link to nothing" if path.is_symlink() else "no regular file"))


def _source(path: Path, key: PurePosixPath) -> Source:
    name = os.fsencode(key)
    try:
        text = name.decode()
    except UnicodeDecodeError:
        raise UserError(f"{path}: names in the archive are in UTF-8; rename it") from None
    return Source(path, text if text.endswith(SUFFIX) else text + SUFFIX, path.stat().st_size)


def _refuse_twins(sources: Sequence[Source]) -> None:
    twins = [key for key, count in Counter(source.key for source in sources).items() if count > 1]
    if twins:
        rivals = ", ".join(str(source.path) for source in sources if source.key == twins[0])
        raise UserError(f"{rivals} would have one name in the inbox, {twins[0]}: rename them or send them one by one")
