"""Which message leads to which use case."""

from dataclasses import dataclass

from services.verify.verify import Verify
from shared.broker.delivery import Delivery
from shared.broker.unit import Unit
from shared.database.engine import Database
from shared.database.records import ChecksumSource, all_checksums, file_of_message
from shared.messages.catalogue import Catalogue
from shared.messages.fields import digests
from shared.messages.ingestion import Archived


@dataclass(frozen=True, kw_only=True)
class VerifyHandler:
    """Decides the deliveries of queue `archived`."""

    database: Database
    catalogue: Catalogue
    verify: Verify

    def __call__(self, delivery: Delivery, unit: Unit) -> None:
        message = self.catalogue.read(delivery.body, Archived)
        with self.database.read() as connection:
            file = unit.file = file_of_message(connection, delivery.file_id, message.user, message.filepath)
            known = all_checksums(connection, file)
        if message.re_verify:
            self.verify.again(file, known, unit)
        else:
            told = digests(message.encrypted_checksums)
            known[ChecksumSource.SUBMITTED] = {**told, **known.get(ChecksumSource.SUBMITTED, {})}
            self.verify(file, known, unit)
