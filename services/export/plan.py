"""List the files of an export: each becomes a row, and a message to write it."""

from collections.abc import Sequence

from services.export.queries import FILE_ADD, LISTED, Job
from shared.access.grants import ListedFile, ReadableFile
from shared.broker.unit import Unit
from shared.messages.exports import Export, ExportFile

PAGE = 500
"""Files that are listed by one message."""

NOT_READABLE = "it may not be read"


def plan(job: Job, files: Sequence[ListedFile | ReadableFile] | None, unit: Unit) -> None:
    """Add files to an export, at most PAGE at a time; None: what is wanted may not be read any more."""
    for file in files or ():
        unit.add(FILE_ADD, export_id=job.id, file_id=file.id, size=file.archive_size, at=unit.at)
        unit.send(ExportFile(export_id=job.id, file_id=file.id), file.id)
    if files is not None and len(files) == PAGE:
        unit.send(Export(export_id=job.id, after=files[-1].id), None)
    else:
        unit.add(LISTED, export=job.id, reason=NOT_READABLE if files is None else None, at=unit.at)
