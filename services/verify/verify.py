"""Verify a file: one read of its body, every MAC, every checksum, every size."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass

import structlog

from shared.broker.leases import LeaseKeeper
from shared.broker.unit import Unit
from shared.crypto.cores import Cores
from shared.crypto.examine import Examination, examine
from shared.crypto.keys import PrivateKey
from shared.database.pictures import Known
from shared.database.records import ChecksumSource, File
from shared.database.states import FileState
from shared.errors import FileRefused, MessageRefused
from shared.identifiers import wire_path
from shared.messages.fields import checksums
from shared.messages.ingestion import Verified
from shared.storage.errors import ObjectMissing
from shared.storage.port import ObjectStore
from shared.storage.sizes import LARGE

log = structlog.get_logger(__name__)


_NAMES = {
    ChecksumSource.UPLOADED: "taken when it was uploaded",
    ChecksumSource.SUBMITTED: "given by the submitter",
    ChecksumSource.SUBMITTED_PLAIN: "given by the submitter for the plaintext",
    ChecksumSource.ARCHIVED: "taken when it was archived",
    ChecksumSource.PLAIN: "taken when it was verified first",
}


@dataclass(frozen=True, kw_only=True)
class Verify:
    """The use case. `md5`: whether the plaintext's MD5 is taken as well."""

    archive: ObjectStore
    keys: tuple[PrivateKey, ...]
    leases: LeaseKeeper
    cores: Cores
    md5: bool = True

    def __call__(self, file: File, known: Known, unit: Unit) -> None:
        """Verify a file in state `archived`; a file in any other state needs it no more, or not yet again.

        Raises FileRefused if anything differs, NotYet while another worker is at it.
        """
        if file.state is not FileState.ARCHIVED:
            log.info("nothing_to_verify", file_id=file.id, state=file.state.value)
            return
        found = self._examine(file, known, unit)
        differences = compare(file, known, found)
        if differences:
            raise FileRefused("; ".join(differences) + ". Upload the file again")
        unit.checksums(file.id, ChecksumSource.UPLOADED, found.upload)
        unit.checksums(file.id, ChecksumSource.ARCHIVED, found.archived)
        unit.checksums(file.id, ChecksumSource.PLAIN, found.plain)
        unit.move(unit.file or file, FileState.VERIFIED, plain_size=found.plain_size)
        unit.send(_verified(file, found), file.id)

    def again(self, file: File, known: Known, unit: Unit) -> None:
        """Verify a file that was verified before, and record that it still is what it was.

        Raises MessageRefused if it is not, or if it never was verified; the file keeps its state.
        """
        if file.state not in {FileState.VERIFIED, FileState.READY}:
            raise MessageRefused(f"the file is {file.state}: only a verified file can be verified again")
        try:
            differences = compare(file, known, self._examine(file, known, unit))
        except FileRefused as damage:
            differences = [str(damage)]
        if differences:
            raise MessageRefused("the archived file is no longer what it was: " + "; ".join(differences))
        unit.event(file.id, "verified again")

    def _examine(self, file: File, known: Known, unit: Unit) -> Examination:
        assert file.header is not None
        large = (file.archive_size or 0) >= LARGE
        if large:
            self.leases.claim(unit, file)
        try:
            # a small file is done before it could be shared out
            with self.cores.for_file() if large else nullcontext(), self.archive.open(file.id) as body:
                return examine(
                    file.header,
                    body,
                    self.keys,
                    md5_plain=self.md5,
                    md5_upload=_wants_md5(known),
                    size=file.archive_size,
                    cores=self.cores if large else None,
                )
        except ObjectMissing:
            raise FileRefused("the archive has lost the body of the file: trigger its ingestion again") from None


def _wants_md5(known: Known) -> bool:
    """Tell whether the upload's MD5 must be taken: a submitter gave one, and the inbox has none to compare it with."""
    return "md5" in known.get(ChecksumSource.SUBMITTED, {}) and "md5" not in known.get(ChecksumSource.UPLOADED, {})


def compare(file: File, known: Known, found: Examination) -> list[str]:
    """Return a sentence for every size and checksum that differs from what was found."""
    assert file.header is not None
    upload_size = len(file.header) + found.body_size
    differences = []
    if file.archive_size != found.body_size or file.size not in {None, upload_size}:
        differences.append(f"the file is cut: {upload_size} bytes of {file.size} are there")
    # the MD5 that the inbox took stands for the upload once its SHA-256 was found to be right
    upload = {**known.get(ChecksumSource.UPLOADED, {}), **found.upload}
    for source, digests in (
        (ChecksumSource.UPLOADED, upload),
        (ChecksumSource.SUBMITTED, upload),
        (ChecksumSource.SUBMITTED_PLAIN, found.plain),
        (ChecksumSource.ARCHIVED, found.archived),
        (ChecksumSource.PLAIN, found.plain),
    ):
        differences += _differences(source, known.get(source, {}), digests)
    return differences


def _differences(source: ChecksumSource, expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    return [
        f"the {name} {_NAMES[source]} is {value}, but that of the archived file is {found[name]}"
        for name, value in expected.items()
        if name in found and found[name] != value
    ]


def _verified(file: File, found: Examination) -> Verified:
    return Verified(
        user=file.user, filepath=wire_path(file.user, file.path), decrypted_checksums=checksums(found.plain)
    )
