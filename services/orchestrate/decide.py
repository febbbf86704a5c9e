"""What Central EGA would answer to an upload and to a verified file."""

from dataclasses import dataclass

from pydantic import ValidationError

from shared.broker.unit import Unit
from shared.database.records import File
from shared.errors import ConfigurationError
from shared.identifiers import new_file_id
from shared.messages.catalogue import Catalogue
from shared.messages.inbox import InboxUpload
from shared.messages.ingestion import Accession, IngestTrigger, Verified


@dataclass(frozen=True)
class AccessionPattern:
    """How accession ids are made: a format string that knows `{file_id}` and `{number}`.

    `number` is unique in the node and grows: `EGAF{number:011d}` makes ids in the form of the EGA.
    """

    text: str

    def __post_init__(self) -> None:
        """Raise ConfigurationError if two files would get the same id."""
        try:
            distinct = self.make("a", 1) != self.make("b", 2)
        except (KeyError, IndexError, ValueError, AttributeError, TypeError):
            distinct = False
        if not distinct:
            raise ConfigurationError(f"accession pattern {self.text!r} needs {{file_id}} or {{number}}")

    def require_fit(self, catalogue: Catalogue) -> None:
        """Raise ConfigurationError if the ids are not those that this node accepts."""
        try:
            catalogue.model(Accession)(
                user="user", filepath="path", accession_id=self.make(new_file_id(), 1), decrypted_checksums=()
            )
        except ValidationError:
            raise ConfigurationError(
                f"accession pattern {self.text!r} makes ids that a node with {catalogue.rules} ids refuses"
            ) from None

    def make(self, file_id: str, number: int) -> str:
        return self.text.format(file_id=file_id, number=number)


def trigger_ingestion(message: InboxUpload, correlation_id: str | None, unit: Unit) -> None:
    """Ask to ingest what was uploaded."""
    trigger = IngestTrigger(
        type="ingest",
        user=message.user,
        filepath=message.filepath,
        encrypted_checksums=message.encrypted_checksums,
    )
    unit.send(trigger, correlation_id)


def give_accession(  # noqa: PLR0917 - all of them are what the decision stands on
    message: Verified, file: File, number: int, pattern: AccessionPattern, catalogue: Catalogue, unit: Unit
) -> None:
    """Give a verified file the accession id that it has, or a new one; the same at every delivery."""
    accession = file.accession or pattern.make(file.id, number)
    answer = catalogue.model(Accession)(
        user=message.user,
        filepath=message.filepath,
        accession_id=accession,
        decrypted_checksums=message.decrypted_checksums,
    )
    unit.send(answer, file.id)
