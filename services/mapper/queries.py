"""Named database operations of mapper."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, bindparam, select

from shared.database.records import FILE_COLUMNS, File, to_file
from shared.database.states import DatasetState
from shared.database.tables import datasets, files

MOST = 500
"""Values in one IN list."""

_STATE = select(datasets.c.state).where(datasets.c.id == bindparam("dataset"))
_BY_ACCESSION = select(*FILE_COLUMNS).where(files.c.accession.in_(bindparam("values", expanding=True)))
_BY_ID = select(*FILE_COLUMNS).where(files.c.id.in_(bindparam("values", expanding=True)))


def dataset_state(connection: Connection, dataset: str) -> DatasetState | None:
    """Return the state of a dataset, None if there is none of this id."""
    state = connection.scalar(_STATE, {"dataset": dataset})
    return None if state is None else DatasetState(state)


def files_by_accession(connection: Connection, accessions: Sequence[str]) -> list[File]:
    """Return the files that have one of these accession ids."""
    rows = (row for part in _parts(accessions) for row in connection.execute(_BY_ACCESSION, {"values": part}))
    return [to_file(row) for row in rows]


def files_by_id(connection: Connection, ids: Sequence[str]) -> list[File]:
    """Return the files of these ids."""
    return [to_file(row) for part in _parts(ids) for row in connection.execute(_BY_ID, {"values": part})]


def _parts(values: Sequence[str]) -> Iterator[list[str]]:
    unique = list(dict.fromkeys(values))
    return (unique[start : start + MOST] for start in range(0, len(unique), MOST))
