"""Which message leads to which use case."""

from services.verify.verify import Verify
from shared.broker.asking import FileLoader
from shared.broker.delivery import Delivery
from shared.broker.unit import Unit
from shared.database.pictures import Question
from shared.database.records import ChecksumSource
from shared.messages.catalogue import Catalogue
from shared.messages.fields import digests
from shared.messages.ingestion import Archived


class VerifyHandler:
    """Decides the deliveries of queue `archived`."""

    def __init__(self, *, catalogue: Catalogue, verify: Verify) -> None:
        self._verify = verify
        self.load = FileLoader(lambda body: catalogue.read(body, Archived), _question)

    def __call__(self, delivery: Delivery, unit: Unit) -> None:
        message, picture = self.load.known(delivery)
        file = unit.file = picture.file_of(message.user)
        if message.re_verify:
            self._verify.again(file, picture.checksums, unit)
            return
        told = digests(message.encrypted_checksums)
        submitted = {**told, **picture.checksums.get(ChecksumSource.SUBMITTED, {})}
        self._verify(file, {**picture.checksums, ChecksumSource.SUBMITTED: submitted}, unit)


def _question(delivery: Delivery, message: Archived) -> Question:
    return Question(delivery.file_id, message.user, message.filepath)
