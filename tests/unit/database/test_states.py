"""The one table of legal transitions."""

import itertools

import pytest

from shared.database.states import (
    DATASET_TRANSITIONS,
    FILE_TRANSITIONS,
    DatasetState,
    FileState,
    IllegalTransitionError,
    check_dataset_transition,
    check_file_transition,
)

LEGAL = {
    "registered": "uploaded cancelled",
    "uploaded": "submitted archived cancelled error",
    "submitted": "archived cancelled error",
    "archived": "verified cancelled error",
    "verified": "ready cancelled error",
    "ready": "cancelled",
    "cancelled": "submitted archived cancelled error",
    "error": "submitted archived cancelled error",
}


@pytest.mark.parametrize(("was", "to"), [*itertools.product(FileState, FileState)])
def test_file_takes_legal_steps_only(was: FileState, to: FileState) -> None:
    if to.value in LEGAL[was.value].split():
        check_file_transition(was, to)
    else:
        with pytest.raises(IllegalTransitionError):
            check_file_transition(was, to)


@pytest.mark.parametrize(("was", "to"), [*itertools.product(DatasetState, DatasetState)])
def test_dataset_takes_legal_steps_only(was: DatasetState, to: DatasetState) -> None:
    legal = {("registered", "released"), ("registered", "deprecated"), ("released", "deprecated")}
    if (was.value, to.value) in legal:
        check_dataset_transition(was, to)
    else:
        with pytest.raises(IllegalTransitionError):
            check_dataset_transition(was, to)


def test_every_state_is_in_the_table() -> None:
    assert set(FILE_TRANSITIONS) == set(FileState)
    assert set(DATASET_TRANSITIONS) == set(DatasetState)


def test_error_and_cancelled_are_not_the_end() -> None:
    for state in (FileState.ERROR, FileState.CANCELLED):
        assert FileState.ARCHIVED in FILE_TRANSITIONS[state]
