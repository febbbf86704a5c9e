"""States of files and datasets, and the one table of legal transitions."""

from enum import StrEnum


class FileState(StrEnum):
    """Where a file is on its way (design, section 3)."""

    REGISTERED = "registered"
    UPLOADED = "uploaded"
    SUBMITTED = "submitted"
    ARCHIVED = "archived"
    VERIFIED = "verified"
    READY = "ready"
    CANCELLED = "cancelled"
    ERROR = "error"


class DatasetState(StrEnum):
    """Readers see released datasets only."""

    REGISTERED = "registered"
    RELEASED = "released"
    DEPRECATED = "deprecated"


_F = FileState
FILE_TRANSITIONS: dict[FileState, frozenset[FileState]] = {
    _F.REGISTERED: frozenset({_F.UPLOADED, _F.CANCELLED}),
    _F.UPLOADED: frozenset({_F.SUBMITTED, _F.ARCHIVED, _F.CANCELLED, _F.ERROR}),
    _F.SUBMITTED: frozenset({_F.ARCHIVED, _F.CANCELLED, _F.ERROR}),
    _F.ARCHIVED: frozenset({_F.VERIFIED, _F.CANCELLED, _F.ERROR}),
    _F.VERIFIED: frozenset({_F.READY, _F.CANCELLED, _F.ERROR}),
    _F.READY: frozenset({_F.CANCELLED}),
    # what was refused or cancelled may be submitted again, and may be refused again
    _F.ERROR: frozenset({_F.SUBMITTED, _F.ARCHIVED, _F.CANCELLED, _F.ERROR}),
    _F.CANCELLED: frozenset({_F.SUBMITTED, _F.ARCHIVED, _F.CANCELLED, _F.ERROR}),
}

_D = DatasetState
DATASET_TRANSITIONS: dict[DatasetState, frozenset[DatasetState]] = {
    _D.REGISTERED: frozenset({_D.RELEASED, _D.DEPRECATED}),
    _D.RELEASED: frozenset({_D.DEPRECATED}),
    _D.DEPRECATED: frozenset(),
}


class IllegalTransitionError(Exception):
    """A use case asked for a transition that the table does not have: a bug."""


def check_file_transition(was: FileState, to: FileState) -> None:
    """Raise IllegalTransitionError unless a file may go from `was` to `to`."""
    if to not in FILE_TRANSITIONS[was]:
        raise IllegalTransitionError(f"a file does not go from {was} to {to}")


def check_dataset_transition(was: DatasetState, to: DatasetState) -> None:
    """Raise IllegalTransitionError unless a dataset may go from `was` to `to`."""
    if to not in DATASET_TRANSITIONS[was]:
        raise IllegalTransitionError(f"a dataset does not go from {was} to {to}")
