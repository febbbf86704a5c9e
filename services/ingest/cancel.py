"""Cancel an ingestion: delete what the archive has of a file. The upload stays in the inbox."""

from dataclasses import dataclass

from services.ingest.stores import Stores
from shared.broker.leases import LeaseKeeper
from shared.broker.unit import Unit
from shared.database.records import ChecksumSource, File
from shared.database.statements import CHECKSUM_FORGET, FILE_RESET
from shared.database.states import FileState
from shared.errors import MessageRefused, NotYet
from shared.storage.moving import remove

_OURS = (ChecksumSource.ARCHIVED, ChecksumSource.PLAIN, ChecksumSource.BACKUP)


@dataclass(frozen=True, kw_only=True)
class Cancel:
    """The use case."""

    stores: Stores
    leases: LeaseKeeper

    def __call__(self, file: File, datasets: list[str], unit: Unit) -> None:
        """Take a file back to `cancelled`, from which it may be ingested again.

        The state moves first, so that nobody takes the missing body for a loss; a second delivery goes on (`repeat`)
        where the first was killed. Raises MessageRefused if the file is in a dataset, NotYet while it is uploaded or
        another worker is at it.
        """
        if datasets:
            raise MessageRefused(f"the file is part of dataset {', '.join(datasets)} and can't be cancelled")
        if file.state is FileState.REGISTERED:
            raise NotYet(f"file {file.id} is still being uploaded")
        self._clear(file, unit)

    def repeat(self, file: File, unit: Unit, *, anew: bool) -> None:
        """Delete what killed workers may have left of a cancelled file.

        `anew`: this was asked for since, so triggers that were sent before it are void as well. Raises NotYet while
        another worker is at it.
        """
        if anew:
            unit.event(file.id, FileState.CANCELLED.value)
        self._clear(file, unit)

    def _clear(self, file: File, unit: Unit) -> None:
        self.leases.claim(unit, file, moving_to=FileState.CANCELLED)
        remove(self.stores.archive, file.id)
        if self.stores.backup is not None:
            remove(self.stores.backup, file.id)
        unit.add(FILE_RESET, file=file.id)
        for source in _OURS:
            unit.add(CHECKSUM_FORGET, file=file.id, from_source=source.value)
