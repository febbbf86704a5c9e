"""Which message leads to which use case."""

from dataclasses import dataclass

import structlog

from services.ingest.cancel import Cancel
from services.ingest.ingest import Ingest
from services.ingest.queries import cancelled_at, datasets_of
from shared.broker.delivery import Delivery
from shared.broker.unit import Unit
from shared.database.engine import Database
from shared.database.records import ChecksumSource, checksums_of, file_of_message
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
            asked = trigger.type == "cancel" or file.state is FileState.CANCELLED
            cancelled = cancelled_at(connection, file.id) if asked else None
        # the file has been cancelled since this was sent, perhaps by its first delivery
        overtaken = cancelled is not None and delivery.predates(cancelled)
        if trigger.type == "cancel" and file.state is FileState.CANCELLED:
            self.cancel.repeat(file, unit, anew=cancelled is None or cancelled < delivery.first_seen)
        elif trigger.type == "cancel" and overtaken:
            log.info("cancelled_before", file_id=file.id)
        elif trigger.type == "cancel":
            self.cancel(file, datasets, unit)
        elif overtaken and file.state is FileState.CANCELLED:
            log.info("trigger_is_void", file_id=file.id)
            self.cancel.repeat(file, unit, anew=False)
        else:
            self.ingest(file, trigger, uploaded, unit)
