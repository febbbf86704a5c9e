"""Which message leads to which use case."""

from dataclasses import dataclass

from services.orchestrate.decide import AccessionPattern, give_accession, trigger_ingestion
from services.orchestrate.queries import file_number
from shared.broker.delivery import Delivery
from shared.broker.unit import Unit
from shared.database.engine import Database
from shared.database.records import file_of_message
from shared.messages.catalogue import Catalogue
from shared.messages.inbox import InboxMessage, InboxRemove, InboxRename, InboxUpload
from shared.messages.ingestion import Verified


@dataclass(frozen=True, kw_only=True)
class InboxHandler:
    """Decides the deliveries of queue `inbox`; only uploads need an answer."""

    catalogue: Catalogue

    def __call__(self, delivery: Delivery, unit: Unit) -> None:
        message: InboxMessage = self.catalogue.read(delivery.body, InboxUpload, InboxRename, InboxRemove)
        if isinstance(message, InboxUpload):
            trigger_ingestion(message, delivery.correlation_id, unit)


@dataclass(frozen=True, kw_only=True)
class VerifiedHandler:
    """Decides the deliveries of queue `verified`."""

    database: Database
    catalogue: Catalogue
    pattern: AccessionPattern

    def __call__(self, delivery: Delivery, unit: Unit) -> None:
        message = self.catalogue.read(delivery.body, Verified)
        with self.database.read() as connection:
            file = unit.file = file_of_message(connection, delivery.file_id, message.user, message.filepath)
            number = file_number(connection, file.id)
        give_accession(message, file, number, self.pattern, self.catalogue, unit)
