"""Which message leads to which use case."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from services.export.places import clear, folder
from services.export.plan import PAGE, plan
from services.export.queries import Job, job_of, waits
from services.export.write import WriteFile
from shared.access.grants import ListedFile, ReadableFile, file_for, files_for
from shared.broker.delivery import Delivery
from shared.broker.unit import Unit
from shared.database.engine import Database
from shared.identifiers import NO_FILE, FileId
from shared.messages.catalogue import Catalogue
from shared.messages.exports import Export, ExportFile


@dataclass(frozen=True, kw_only=True)
class ExportHandler:
    """Decides the deliveries of queue `exports`."""

    database: Database
    catalogue: Catalogue
    write: WriteFile

    def __call__(self, delivery: Delivery, unit: Unit) -> None:
        message = self.catalogue.read(delivery.body, Export, ExportFile)
        match message:
            case Export():
                self._plan(message, unit)
            case ExportFile():
                self._write(message, unit)

    def _plan(self, message: Export, unit: Unit) -> None:
        with self.database.read() as connection:
            job = job_of(connection, message.export_id)
            files = None if job is None else _wanted(connection, job, FileId(message.after or NO_FILE))
        if job is not None:
            plan(job, files, unit)

    def _write(self, message: ExportFile, unit: Unit) -> None:
        wanted = FileId(message.file_id)
        with self.database.read() as connection:
            job = job_of(connection, message.export_id)
            file = None if job is None else file_for(connection, job.reader, wanted)
            waiting = waits(connection, message.export_id, wanted)
        if job is None:
            # it was removed while its files were written: take away what was
            clear(self.write.exports, folder(message.export_id, wanted))
        elif waiting:
            self.write(job, wanted, file, unit)


def _wanted(connection: Connection, job: Job, after: FileId) -> Sequence[ListedFile | ReadableFile] | None:
    if job.dataset is not None:
        return files_for(connection, job.reader, job.dataset, after=after, count=PAGE)
    assert job.file is not None
    file = file_for(connection, job.reader, job.file)
    return None if file is None else [file]
