"""Which message leads to which use case."""

from dataclasses import dataclass

from services.orchestrate.decide import AccessionPattern, give_accession, trigger_ingestion
from services.orchestrate.queries import file_number
from shared.broker.asking import FileLoader
from shared.broker.delivery import Delivery
from shared.broker.unit import Unit
from shared.database.engine import Database
from shared.database.pictures import Question
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


class VerifiedHandler:
    """Decides the deliveries of queue `verified`."""

    def __init__(self, *, database: Database, catalogue: Catalogue, pattern: AccessionPattern) -> None:
        self._database = database
        self._catalogue = catalogue
        self._pattern = pattern
        self.load = FileLoader(lambda body: catalogue.read(body, Verified), _question, sidecars=False)

    def __call__(self, delivery: Delivery, unit: Unit) -> None:
        message, picture = self.load.known(delivery)
        file = unit.file = picture.file_of(message.user)
        with self._database.read() as connection:
            number = file_number(connection, file.id)
        give_accession(message, file, number, self._pattern, self._catalogue, unit)


def _question(delivery: Delivery, message: Verified) -> Question:
    return Question(delivery.file_id, message.user, message.filepath)
