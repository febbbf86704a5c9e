"""Finalize a file: accession id and verified backup."""

from dataclasses import dataclass

import structlog

from services.finalize.backup import back_up
from shared.broker.leases import LeaseKeeper
from shared.broker.unit import Unit
from shared.database.pictures import Known
from shared.database.records import ChecksumSource, File
from shared.database.states import FileState
from shared.errors import FileRefused, MessageRefused, NotYet
from shared.identifiers import wire_path
from shared.messages.catalogue import Catalogue
from shared.messages.fields import checksums, digests
from shared.messages.ingestion import Accession, Completed
from shared.storage.moving import remove
from shared.storage.port import ObjectStore
from shared.storage.sizes import LARGE

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Finalize:
    """The use case; without a backup store there is no backup."""

    archive: ObjectStore
    backup: ObjectStore | None
    leases: LeaseKeeper
    catalogue: Catalogue

    def __call__(self, file: File, message: Accession, holder: File | None, known: Known, unit: Unit) -> None:
        """Make a verified file `ready` under its accession id; `holder` is the file that has this id already.

        Raises NotYet before the file is verified or while another worker is at it, MessageRefused if the id can't be
        its own, FileRefused if the archived file is not what it was.
        """
        if holder is not None and holder.id != file.id:
            raise MessageRefused(f"accession id {message.accession_id} belongs to another file: give another one")
        match file.state:
            case FileState.READY:
                _check_same(file, message)
                log.info("already_ready", file_id=file.id)
                return
            case FileState.CANCELLED:
                self._discard(file, unit)
            case FileState.VERIFIED:
                _check_checksums(message, known)
                self._finalize(file, message, known, unit)
            case _:
                raise NotYet(f"file {file.id} is {file.state}, not verified")

    def _finalize(self, file: File, message: Accession, known: Known, unit: Unit) -> None:
        large = (file.archive_size or 0) >= LARGE
        if large:
            file = self.leases.claim(unit, file)
        if self.backup is not None:
            copy = back_up(file, known, self.archive, self.backup, large=large)
            unit.checksums(file.id, ChecksumSource.BACKUP, {"sha256": copy})
            unit.event(file.id, "backed up")
        location = None if self.backup is None else self.backup.name
        unit.move(file, FileState.READY, accession=message.accession_id, backup_location=location)
        unit.send(self._completed(file, message, known), file.id)

    def _discard(self, file: File, unit: Unit) -> None:
        """The file was cancelled: delete the copy that work on an earlier delivery may have left."""
        self.leases.claim(unit, file)
        if self.backup is not None:
            remove(self.backup, file.id)
        raise MessageRefused("the file was cancelled: ingest it again before it gets an accession id")

    def _completed(self, file: File, message: Accession, known: Known) -> Completed:
        return self.catalogue.model(Completed)(
            user=file.user,
            filepath=wire_path(file.user, file.path),
            accession_id=message.accession_id,
            decrypted_checksums=checksums(dict(known[ChecksumSource.PLAIN])),
        )


def _check_same(file: File, message: Accession) -> None:
    if file.accession != message.accession_id:
        raise MessageRefused(f"the file has accession id {file.accession} already; an accession id is for ever")


def _check_checksums(message: Accession, known: Known) -> None:
    """Compare what the message says of the plaintext, and checksums that came after the file was verified."""
    plain, upload = known[ChecksumSource.PLAIN], known[ChecksumSource.UPLOADED]
    for name, value in digests(message.decrypted_checksums).items():
        if plain.get(name, value) != value:
            raise MessageRefused(f"the {name} of the plaintext is {plain[name]}, but the message says {value}")
    late = ((ChecksumSource.SUBMITTED, upload), (ChecksumSource.SUBMITTED_PLAIN, plain))
    for source, found in late:
        for name, value in known.get(source, {}).items():
            if found.get(name, value) != value:
                raise FileRefused(f"the submitter's {name} is {value}, that of the file {found[name]}: upload it again")
