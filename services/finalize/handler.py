"""Which message leads to which use case."""

from dataclasses import dataclass

from services.finalize.finalize import Finalize
from shared.broker.delivery import Delivery
from shared.broker.unit import Unit
from shared.database.engine import Database
from shared.database.records import all_checksums, file_by_accession, file_of_message
from shared.messages.catalogue import Catalogue
from shared.messages.ingestion import Accession


@dataclass(frozen=True, kw_only=True)
class FinalizeHandler:
    """Decides the deliveries of queue `accession`."""

    database: Database
    catalogue: Catalogue
    finalize: Finalize

    def __call__(self, delivery: Delivery, unit: Unit) -> None:
        message = self.catalogue.read(delivery.body, Accession)
        with self.database.read() as connection:
            file = unit.file = file_of_message(connection, delivery.file_id, message.user, message.filepath)
            holder = file_by_accession(connection, message.accession_id)
            known = all_checksums(connection, file)
        self.finalize(file, message, holder, known, unit)
