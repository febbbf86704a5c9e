"""What is known about the files that several messages mean, asked at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, or_, select

from shared.database.queue_tables import sidecars
from shared.database.records import FILE_COLUMNS, ChecksumSource, File, file_by_path, to_file
from shared.database.sets import padded
from shared.database.tables import checksums, files
from shared.database.types import FileUuid
from shared.errors import MessageRefused
from shared.identifiers import FileId

SIDECAR_ALGORITHMS = ("sha256", "md5")
"""Endings of the files in which submitters give checksums."""

Known = Mapping[ChecksumSource, Mapping[str, str]]
"""Checksums by source and algorithm."""

_Digests = dict[ChecksumSource, dict[str, str]]

_FILES = (
    select(*FILE_COLUMNS, checksums.c.source, checksums.c.algorithm, checksums.c.value)
    .select_from(files.outerjoin(checksums, checksums.c.file_id == files.c.id))
    .where(
        or_(
            files.c.id.in_(bindparam("ids", type_=FileUuid, expanding=True)),
            files.c.accession.in_(bindparam("accessions", expanding=True)),
        )
    )
)
_SIDECARS = select(sidecars.c.user, sidecars.c.path, sidecars.c.value).where(
    sidecars.c.user.in_(bindparam("users", expanding=True)), sidecars.c.path.in_(bindparam("paths", expanding=True))
)


class Question(NamedTuple):
    """What a message says of its file: its correlation id if that may be one of ours, user and path, accession id."""

    file_id: FileId | None
    user: str
    filepath: str
    accession: str | None = None


@dataclass(frozen=True)
class Picture:
    """What the database knew of a file when it was asked; `holder` is the file that has the accession id in question.

    The checksums include those that the submitter uploaded in files beside it.
    """

    file: File | None
    checksums: Known
    holder: File | None = None

    def file_of(self, user: str) -> File:
        """Return the file if it is this user's. Raises MessageRefused."""
        if self.file is None:
            raise MessageRefused("the inbox of this user has no such file: upload it, or correct user and path")
        if self.file.user != user:
            raise MessageRefused("the correlation id belongs to a file of another user")
        return self.file


def take_pictures(connection: Connection, questions: Sequence[Question], *, sidecars: bool = True) -> list[Picture]:
    """Answer several questions with one or two statements.

    A file is found by its id, and by user and path where that is none of ours. `sidecars`: whether what the submitter
    said in files beside it is of interest.
    """
    found = _Found(connection, questions)
    if sidecars:
        _add_sidecars(connection, [file for file in found.files if file is not None], found.checksums)
    return [found.picture(question, file) for question, file in zip(questions, found.files, strict=True)]


class _Found:
    """The rows of the files in question."""

    def __init__(self, connection: Connection, questions: Sequence[Question]) -> None:
        self.by_id: dict[FileId, File] = {}
        self.by_accession: dict[str, File] = {}
        self.checksums: dict[FileId, _Digests] = {}
        self._ask(
            connection,
            [question.file_id for question in questions if question.file_id],
            [question.accession for question in questions if question.accession],
        )
        self.files = [self._file(connection, question) for question in questions]

    def picture(self, question: Question, file: File | None) -> Picture:
        digests = self.checksums.get(file.id, {}) if file else {}
        return Picture(file, digests, self.by_accession.get(question.accession or ""))

    def _ask(self, connection: Connection, ids: list[FileId], accessions: list[str]) -> None:
        if not ids and not accessions:
            return
        for row in connection.execute(_FILES, {"ids": padded(ids), "accessions": padded(accessions)}):
            *_, source, algorithm, value = row
            file = self.by_id.get(row.id) or self._add(to_file(row[: len(FILE_COLUMNS)]))
            if source is not None:
                self.checksums[file.id].setdefault(ChecksumSource(source), {})[algorithm] = value

    def _add(self, file: File) -> File:
        self.by_id[file.id] = file
        self.checksums[file.id] = {}
        if file.accession is not None:
            self.by_accession[file.accession] = file
        return file

    def _file(self, connection: Connection, question: Question) -> File | None:
        file = self.by_id.get(question.file_id) if question.file_id else None
        if file is not None:
            return file
        named = file_by_path(connection, question.user, question.filepath)
        if named is not None and named.id not in self.by_id:
            self._ask(connection, [named.id], [])
        return None if named is None else self.by_id.get(named.id)


def _add_sidecars(connection: Connection, found: Sequence[File], known: Mapping[FileId, _Digests]) -> None:
    """Add the checksums in files beside the uploads.

    `a.c4gh.sha256` is taken over the upload `a.c4gh`, and `a.sha256` over its plaintext. What a message said counts
    for less than such a file, which the submitter may have corrected.
    """
    meaning: dict[tuple[str, str], list[tuple[FileId, ChecksumSource, str]]] = {}
    for file in found:
        for path, source, algorithm in _sidecar_paths(file.path):
            meaning.setdefault((file.user, path), []).append((file.id, source, algorithm))
    users, paths = list({user for user, _ in meaning}), [path for _, path in meaning]
    for user, path, value in connection.execute(_SIDECARS, {"users": padded(users), "paths": padded(paths)}):
        for file_id, source, algorithm in meaning.get((user, path), ()):
            known[file_id].setdefault(source, {})[algorithm] = value


def _sidecar_paths(path: str) -> Iterator[tuple[str, ChecksumSource, str]]:
    for algorithm in SIDECAR_ALGORITHMS:
        yield f"{path}.{algorithm}", ChecksumSource.SUBMITTED, algorithm
        if path.endswith(".c4gh"):
            yield f"{path.removesuffix('.c4gh')}.{algorithm}", ChecksumSource.SUBMITTED_PLAIN, algorithm
