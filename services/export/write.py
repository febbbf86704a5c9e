"""Write a file of an export: header re-encrypted to the reader's key, body as it lies in the archive."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.export.metrics import FILES, SENT
from services.export.places import key_of
from services.export.plan import NOT_READABLE
from services.export.queries import FILE_DECIDE, Job
from shared.access.audit import AUDIT, Access, Record
from shared.access.grants import ReadableFile
from shared.broker.leases import LeaseKeeper
from shared.broker.unit import Unit
from shared.crypto.header import open_header
from shared.crypto.keys import PrivateKey, PublicKey
from shared.crypto.stable import seal_stably
from shared.errors import ConfigurationError, FileRefused
from shared.identifiers import FileId
from shared.storage.bodies import Joined
from shared.storage.errors import IncompleteBody, ObjectMissing
from shared.storage.moving import move
from shared.storage.port import ObjectStore
from shared.storage.sizes import LARGE

WRITTEN = "written"
REFUSED = "refused"
EXPORTED = "exported"


class HeaderClosed(ConfigurationError):
    """No key of the archive opens the header of a file."""


@dataclass(frozen=True, kw_only=True)
class WriteFile:
    """The use case."""

    archive: ObjectStore
    exports: ObjectStore
    keys: Sequence[PrivateKey]
    leases: LeaseKeeper

    def __call__(self, job: Job, wanted: FileId, file: ReadableFile | None, unit: Unit) -> None:
        """Write a file that is `wanted`, if its reader may read it now: `file` is None if not.

        The same bytes are written each time. Raises NotYet while another worker writes it, HeaderClosed.
        """
        if file is None:
            _refuse(job, wanted, NOT_READABLE, unit)
            return
        header = self._sealed(file, job.key)
        try:
            self._copy(job, file, header, unit)
        except (ObjectMissing, IncompleteBody):
            _refuse(job, wanted, "its body is missing in the archive", unit)
            return
        _decide(job, wanted, WRITTEN, None, unit)
        size = len(header) + file.archive_size
        unit.add(AUDIT, record=Record(_access(job, wanted), WRITTEN, size, unit.at, EXPORTED))
        SENT.inc(size)

    def _sealed(self, file: ReadableFile, reader: PublicKey) -> bytes:
        try:
            opened = open_header(file.header, self.keys)
        except FileRefused as error:
            # the file was fine when it was archived: a key is missing here, and the submitter can't help it
            raise HeaderClosed(f"the header of file {file.id} can't be opened: give this service the key") from error
        archive = next(key for key in self.keys if key.fingerprint == opened.fingerprint)
        return seal_stably(opened.data_keys, reader, opened.edit_list, archive=archive)

    def _copy(self, job: Job, file: ReadableFile, header: bytes, unit: Unit) -> None:
        key = key_of(job.id, file.id, file.path)
        if file.archive_size >= LARGE:
            self.leases.hold(unit, f"export {job.id} {file.id}")
            move(self.archive, file.id, 0, file.archive_size, self.exports, key, head=header)
            return
        with self.archive.open(file.id) as body:
            self.exports.put(key, Joined(header, body), len(header) + file.archive_size)


def _refuse(job: Job, wanted: FileId, reason: str, unit: Unit) -> None:
    _decide(job, wanted, REFUSED, reason, unit)
    unit.add(AUDIT, record=Record(_access(job, wanted), f"{REFUSED}: {reason}", 0, unit.at))


def _decide(job: Job, wanted: FileId, state: str, reason: str | None, unit: Unit) -> None:
    unit.add(FILE_DECIDE, export_id=job.id, file_id=wanted, to_state=state, reason=reason, at=unit.at)
    FILES.labels(state).inc()


def _access(job: Job, wanted: FileId) -> Access:
    return Access(
        service="export",
        user=job.reader.user,
        action="export file",
        target=job.dataset or wanted,
        file=wanted,
        reader_key=job.key.hex(),
        correlation_id=job.id,
    )
