"""Ingest a file: open its header with an archive key, and move its body to the archive."""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from services.ingest.stores import Stores
from shared.broker.leases import LeaseKeeper
from shared.broker.unit import Unit
from shared.crypto.header import open_header, read_header
from shared.crypto.keys import PrivateKey
from shared.database.pictures import Known
from shared.database.records import ChecksumSource, File
from shared.database.statements import CHECKSUM_FORGET
from shared.database.states import FileState
from shared.errors import FileRefused, MessageRefused, NotYet, UserError
from shared.identifiers import wire_path
from shared.messages.fields import checksums, digests
from shared.messages.ingestion import Archived, IngestTrigger
from shared.storage.errors import IncompleteBody, ObjectMissing
from shared.storage.moving import move, remove
from shared.storage.port import Reader
from shared.storage.resuming import abort_uploads
from shared.storage.sizes import LARGE

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Opened:
    """What the header says."""

    header: bytes
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class Ingest:
    """The use case; `known` are the checksums of before, among them what the inbox took while the file came in."""

    stores: Stores
    keys: tuple[PrivateKey, ...]
    leases: LeaseKeeper

    def __call__(self, file: File, trigger: IngestTrigger, known: Known, unit: Unit) -> None:
        """Archive a file that was uploaded, refused or cancelled before; nothing to do if it is archived already.

        Raises NotYet while it is being uploaded or another worker is at it, FileRefused if it can't be archived.
        """
        match file.state:
            case FileState.REGISTERED:
                raise NotYet(f"file {file.id} is still being uploaded")
            case FileState.ARCHIVED | FileState.VERIFIED | FileState.READY:
                log.info("already_ingested", file_id=file.id, state=file.state.value)
                return
        if file.inbox_location is None:
            # removed or replaced: what the store may still have of it is on its way out
            raise self._gone(file)
        # from `cancelled` with a lease always, since a cancellation may still be deleting objects
        claimed = file.state in {FileState.SUBMITTED, FileState.CANCELLED}
        size = self._size(file) if claimed or _is_large(file) else file.size or 0
        if claimed or size >= LARGE:
            file = self.leases.claim(unit, file, moving_to=FileState.SUBMITTED)
        else:
            unit.event(file.id, FileState.SUBMITTED.value)
        opened = self._move_body(file, size)
        if ChecksumSource.SUBMITTED in known:
            # what an earlier trigger said counts no longer: this one may correct it
            unit.add(CHECKSUM_FORGET, file=file.id, from_source=ChecksumSource.SUBMITTED.value)
        unit.checksums(file.id, ChecksumSource.SUBMITTED, digests(trigger.encrypted_checksums or ()))
        unit.move(
            file,
            FileState.ARCHIVED,
            size=size,
            header=opened.header,
            key_fingerprint=opened.fingerprint,
            archive_location=self.stores.archive.name,
            archive_size=size - len(opened.header),
        )
        unit.send(_archived(file, known.get(ChecksumSource.UPLOADED, {})), file.id)

    def _size(self, file: File) -> int:
        """Return the size of the upload, which must be there and as it was told."""
        try:
            size = self.stores.inbox.stat(file.id).size
        except ObjectMissing:
            raise self._gone(file) from None
        if file.size not in {None, size}:
            raise _resized(file)
        return size

    def _move_body(self, file: File, size: int) -> Opened:
        inbox, archive = self.stores.inbox, self.stores.archive
        try:
            with inbox.open(file.id) as upload:
                header = read_header(upload)
                opened = Opened(header, open_header(header, self.keys).fingerprint)
                if size < LARGE:
                    self._put(file, upload, size - len(header))
            if size >= LARGE:
                move(inbox, file.id, len(header), size - len(header), archive, file.id)
        except ObjectMissing:
            raise self._gone(file) from None
        except (IncompleteBody, UserError) as error:
            self._discard(file)
            if isinstance(error, UserError):
                raise
            raise _resized(file) from None
        return opened

    def _put(self, file: File, upload: Reader, size: int) -> None:
        self.stores.archive.put(file.id, upload, size)
        if upload.readinto(memoryview(bytearray(1))):
            raise _resized(file)

    def _gone(self, file: File) -> FileRefused | MessageRefused:
        """Return the refusal of an upload that is not there, and delete what an earlier attempt may have left."""
        self._discard(file)
        reason = "the file is no longer in the inbox: upload it again"
        return MessageRefused(reason) if file.state is FileState.CANCELLED else FileRefused(reason)

    def _discard(self, file: File) -> None:
        """Delete what an attempt has left; what was archived and then refused stays until the file is cancelled."""
        if file.archive_location is None:
            remove(self.stores.archive, file.id)
        else:
            abort_uploads(self.stores.archive, file.id)


def _is_large(file: File) -> bool:
    """Tell whether a file may be large. Of a small one nothing is asked beforehand: moving it will tell."""
    return file.size is None or file.size >= LARGE


def _resized(file: File) -> FileRefused:
    return FileRefused(f"the upload is not as long as it was, {file.size} bytes were received: upload it again")


def _archived(file: File, uploaded: Mapping[str, str]) -> Archived:
    return Archived(
        user=file.user,
        filepath=wire_path(file.user, file.path),
        file_id=file.id,
        archive_path=file.id,
        encrypted_checksums=checksums(dict(uploaded)),
    )
