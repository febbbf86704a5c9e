"""Named database operations of ingest."""

from sqlalchemy import Connection, bindparam, select

from shared.broker.unit import Unit
from shared.crypto.keys import PrivateKey
from shared.database.statements import KEY_REGISTER
from shared.database.tables import dataset_files
from shared.database.types import FileUuid
from shared.identifiers import FileId

_DATASETS = (
    select(dataset_files.c.dataset_id)
    .where(dataset_files.c.file_id == bindparam("file", type_=FileUuid))
    .order_by(dataset_files.c.dataset_id)
)


def datasets_of(connection: Connection, file: FileId) -> list[str]:
    """Return the datasets that a file is part of."""
    return list(connection.scalars(_DATASETS, {"file": file}))


def registration(keys: tuple[PrivateKey, ...]) -> Unit:
    """Return the unit that makes the archive's keys known to the database; a known key stays as it is."""
    unit = Unit("ingest")
    for key in keys:
        unit.add(KEY_REGISTER, fingerprint=key.fingerprint, description="archive key", at=unit.at)
    return unit
