"""Map files to a dataset, release it, deprecate it."""

from collections.abc import Sequence

import structlog

from shared.broker.unit import Unit
from shared.database.records import File
from shared.database.statements import DATASET_ADD_FILE, DATASET_REGISTER, FILE_TOUCH
from shared.database.states import DatasetState, FileState
from shared.errors import MessageRefused
from shared.identifiers import DatasetId, FileId
from shared.messages.operations import Cleanup

log = structlog.get_logger(__name__)


class NotThere(MessageRefused):
    """A message names a file or dataset that is not there; it may still be on its way."""


CLEANUP = 1000
"""Files in one message to the clean-up."""


def map_files(
    dataset: DatasetId, accessions: Sequence[str], files: Sequence[File], state: DatasetState | None, unit: Unit
) -> None:
    """Add files to a dataset, which is made if it is not there; a released or deprecated one stays what it is.

    `files` are those found for `accessions`. Raises NotThere, and adds none, if one is unknown or not ready.
    """
    unknown = sorted(set(accessions) - {file.accession for file in files if file.state is FileState.READY})
    if unknown:
        shown = ", ".join(unknown[:5]) + (", ..." if len(unknown) > 5 else "")
        raise NotThere(f"no file is ready under accession id {shown}: nothing was added to dataset {dataset}")
    unit.add(DATASET_REGISTER, dataset_id=dataset, at=unit.at)
    unit.dataset_event(dataset, DatasetState.REGISTERED.value if state is None else "files added")
    for file in files:
        # a file that is cancelled at this very moment must not get into a dataset
        unit.add(FILE_TOUCH, file=file.id, is_still=FileState.READY.value, at=unit.at)
        unit.add(DATASET_ADD_FILE, dataset_id=dataset, file_id=file.id, at=unit.at)
        unit.event(file.id, "mapped", reason=f"dataset {dataset}")
    _clean_inbox([file.id for file in files if file.inbox_location is not None], unit)


def _clean_inbox(files: Sequence[FileId], unit: Unit) -> None:
    for start in range(0, len(files), CLEANUP):
        unit.send(Cleanup(file_ids=tuple(files[start : start + CLEANUP])), None)


def change_state(dataset: DatasetId, was: DatasetState | None, to: DatasetState, unit: Unit) -> None:
    """Release or deprecate a dataset; nothing to do if that was done before. Raises NotThere, MessageRefused."""
    if was is None:
        raise NotThere(f"there is no dataset {dataset}: map files to it first")
    if was is to:
        log.info("dataset_already", dataset=dataset, state=to.value)
    elif was is DatasetState.DEPRECATED:
        raise MessageRefused(f"dataset {dataset} is deprecated and can't be released again")
    else:
        unit.move_dataset(dataset, was, to)
