"""Named database operations of ingest."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from shared.broker.unit import Unit
from shared.crypto.keys import PrivateKey
from shared.database.statements import KEY_REGISTER
from shared.database.states import FileState
from shared.database.tables import dataset_files, events
from shared.database.types import FileUuid
from shared.identifiers import FileId

_DATASETS = (
    select(dataset_files.c.dataset_id)
    .where(dataset_files.c.file_id == bindparam("file", type_=FileUuid))
    .order_by(dataset_files.c.dataset_id)
)
_CANCELLED = select(func.max(events.c.at)).where(
    events.c.file_id == bindparam("file", type_=FileUuid), events.c.event == FileState.CANCELLED
)


def datasets_of(connection: Connection, file: FileId) -> list[str]:
    """Return the datasets that a file is part of."""
    return list(connection.scalars(_DATASETS, {"file": file}))


def cancelled_at(connection: Connection, file: FileId) -> datetime | None:
    """Return when a file was cancelled last."""
    at: datetime | None = connection.scalar(_CANCELLED, {"file": file})
    return at


def registration(keys: tuple[PrivateKey, ...]) -> Unit:
    """Return the unit that makes the archive's keys known to the database; a known key stays as it is."""
    unit = Unit("ingest")
    for key in keys:
        unit.add(KEY_REGISTER, fingerprint=key.fingerprint, description="archive key", at=unit.at)
    return unit
