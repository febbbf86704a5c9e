"""Which message leads to which use case."""

from dataclasses import dataclass

import structlog

from services.ingest.cancel import Cancel
from services.ingest.ingest import Ingest
from services.ingest.queries import datasets_of
from shared.broker.delivery import Delivery
from shared.broker.unit import Unit
from shared.database.engine import Database
from shared.database.records import ChecksumSource, File, checksums_of, file_of_message
from shared.database.states import FileState
from shared.messages.catalogue import Catalogue
from shared.messages.ingestion import IngestTrigger

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class IngestHandler:
    """Decides the deliveries of queue `ingest`."""

    database: Database
    catalogue: Catalogue
    ingest: Ingest
    cancel: Cancel

    def __call__(self, delivery: Delivery, unit: Unit) -> None:
        trigger = self.catalogue.read(delivery.body, IngestTrigger)
        with self.database.read() as connection:
            file = unit.file = file_of_message(connection, delivery.file_id, trigger.user, trigger.filepath)
            uploaded = checksums_of(connection, file.id).get(ChecksumSource.UPLOADED, {})
            datasets = datasets_of(connection, file.id) if trigger.type == "cancel" else []
        if trigger.type == "cancel":
            self.cancel(file, datasets, unit)
        elif _is_void(delivery, file):
            log.info("trigger_is_void", file_id=file.id)
            self.cancel(file, datasets, unit)
        else:
            self.ingest(file, trigger, uploaded, unit)


def _is_void(delivery: Delivery, file: File) -> bool:
    """Tell whether the file was cancelled after this trigger was sent; what its work may have left is deleted."""
    return file.state is FileState.CANCELLED and delivery.predates(file.changed_at)
