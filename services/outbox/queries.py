"""The questions that outbox asks the database; what may be read is decided in shared/access/grants.py."""

from typing import NamedTuple

from shared.access import grants
from shared.access.grants import ListedFile, ReadableFile
from shared.database.engine import Database
from shared.http.problems import Forbidden
from shared.identifiers import DatasetId, FileId


class Entry(NamedTuple):
    """A file in a list, and the checksums of its plaintext by algorithm."""

    file: ListedFile
    checksums: dict[str, str]


def file_to_read(database: Database, user: str, name: str) -> ReadableFile:
    """Return the file that a user asks for by file id or accession id. Raises Forbidden, DatabaseAway."""
    with database.read() as connection:
        found = grants.readable_file(connection, user, name)
    if found is None:
        raise Forbidden
    return found


def datasets_to_read(database: Database, user: str, *, after: str, count: int) -> list[DatasetId]:
    """Return the datasets that a user may read. Raises DatabaseAway."""
    with database.read() as connection:
        return grants.readable_datasets(connection, user, after=after, count=count)


def files_to_read(database: Database, user: str, dataset: str, *, after: FileId | None, count: int) -> list[Entry]:
    """Return the files of a dataset with their checksums. Raises Forbidden, DatabaseAway."""
    with database.read() as connection:
        files = grants.readable_files(connection, user, dataset, after=after, count=count)
        if files is None:
            raise Forbidden
        checksums = grants.plain_checksums(connection, [file.id for file in files])
    return [Entry(file, checksums[file.id]) for file in files]
