"""Which message leads to which use case."""

import structlog

from services.ingest.cancel import Cancel
from services.ingest.ingest import Ingest
from services.ingest.queries import cancelled_at, datasets_of
from shared.broker.asking import FileLoader
from shared.broker.delivery import Delivery
from shared.broker.unit import Unit
from shared.database.engine import Database
from shared.database.pictures import Question
from shared.database.records import File
from shared.database.states import FileState
from shared.messages.catalogue import Catalogue
from shared.messages.ingestion import IngestTrigger

log = structlog.get_logger(__name__)


class IngestHandler:
    """Decides the deliveries of queue `ingest`."""

    def __init__(self, *, database: Database, catalogue: Catalogue, ingest: Ingest, cancel: Cancel) -> None:
        self._database = database
        self._ingest = ingest
        self._use_cancel = cancel
        self.load = FileLoader(lambda body: catalogue.read(body, IngestTrigger), _question, sidecars=False)

    def __call__(self, delivery: Delivery, unit: Unit) -> None:
        trigger, picture = self.load.known(delivery)
        file = unit.file = picture.file_of(trigger.user)
        if trigger.type == "cancel":
            self._cancel(delivery, file, unit)
        elif file.state is FileState.CANCELLED and self._is_overtaken(delivery, file):
            log.info("trigger_is_void", file_id=file.id)
            self._use_cancel.repeat(file, unit, anew=False)
        else:
            self._ingest(file, trigger, picture.checksums, unit)

    def _cancel(self, delivery: Delivery, file: File, unit: Unit) -> None:
        with self._database.read() as connection:
            cancelled = cancelled_at(connection, file.id)
            datasets = datasets_of(connection, file.id)
        if file.state is FileState.CANCELLED:
            self._use_cancel.repeat(file, unit, anew=cancelled is None or cancelled < delivery.first_seen)
        elif cancelled is not None and delivery.predates(cancelled):
            # it has been cancelled since this was sent, perhaps by its first delivery
            log.info("cancelled_before", file_id=file.id)
        else:
            self._use_cancel(file, datasets, unit)

    def _is_overtaken(self, delivery: Delivery, file: File) -> bool:
        """Tell whether the file has been cancelled since a trigger was sent."""
        with self._database.read() as connection:
            cancelled = cancelled_at(connection, file.id)
        return cancelled is not None and delivery.predates(cancelled)


def _question(delivery: Delivery, message: IngestTrigger) -> Question:
    return Question(delivery.file_id, message.user, message.filepath)
