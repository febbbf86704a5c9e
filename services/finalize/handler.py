"""Which message leads to which use case."""

from services.finalize.finalize import Finalize
from shared.broker.asking import FileLoader
from shared.broker.delivery import Delivery
from shared.broker.unit import Unit
from shared.database.pictures import Question
from shared.messages.catalogue import Catalogue
from shared.messages.ingestion import Accession


class FinalizeHandler:
    """Decides the deliveries of queue `accession`."""

    def __init__(self, *, catalogue: Catalogue, finalize: Finalize) -> None:
        self._finalize = finalize
        self.load = FileLoader(lambda body: catalogue.read(body, Accession), _question)

    def __call__(self, delivery: Delivery, unit: Unit) -> None:
        message, picture = self.load.known(delivery)
        file = unit.file = picture.file_of(message.user)
        self._finalize(file, message, picture.holder, picture.checksums, unit)


def _question(delivery: Delivery, message: Accession) -> Question:
    return Question(delivery.file_id, message.user, message.filepath, message.accession_id)
