"""What becomes of a delivery whose handler raised."""

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.broker.delivery import Delivery, to_message_id
from shared.broker.outcomes import Outcome, Patience, settle_error
from shared.broker.unit import Unit
from shared.database.statements import DEAD_LETTER, EVENT, FILE_FAULT, FILE_MOVE, SEND, Statement
from shared.database.states import FileState
from shared.database.types import now
from shared.errors import FileRefused, MessageRefused, NotYet, TransientError
from tests.contract.broker.kit import new_file

PATIENCE = Patience()


def settled(error: Exception, unit: Unit | None = None, **delivery: Any) -> tuple[Outcome, Unit]:
    unit = unit or Unit("test")
    return settle_error(error, Delivery(queue="ingest", body=b"{}", **delivery), unit, PATIENCE), unit


def only(unit: Unit, statement: Statement) -> Any:
    [values] = [effect.values for effect in unit.effects if effect.statement is statement]
    return values


@pytest.mark.parametrize(("attempt", "seconds"), [(0, 5), (1, 30), (2, 120), (3, 600), (4, 3600)])
def test_delays_of_a_passing_fault_grow(attempt: int, seconds: int) -> None:
    outcome, unit = settled(TransientError("away"), attempt=attempt, correlation_id="c")
    sent = only(unit, SEND)
    assert outcome is Outcome.RETRY
    assert sent["due"] - unit.at == timedelta(seconds=seconds)
    assert (sent["queue"], sent["attempt"], sent["correlation_id"]) == ("ingest", attempt + 1, "c")


def test_passing_fault_that_stays_is_a_dead_letter_without_a_trace() -> None:
    outcome, unit = settled(TransientError("away"), attempt=5)
    assert outcome is Outcome.DEAD
    assert only(unit, DEAD_LETTER)["trace"] is None


@pytest.mark.parametrize(("attempt", "seconds"), [(0, 0.5), (3, 5), (6, 60), (7, 60), (10_000, 60)])
def test_last_delay_of_an_early_message_repeats(attempt: int, seconds: float) -> None:
    outcome, unit = settled(NotYet("early"), attempt=attempt)
    assert outcome is Outcome.NOT_YET
    assert only(unit, SEND)["due"] - unit.at == timedelta(seconds=seconds)


def test_early_message_keeps_the_time_at_which_it_was_sent_first() -> None:
    sent = now() - timedelta(days=6)
    _, unit = settled(NotYet("early"), first_seen=sent)
    assert only(unit, SEND)["first_seen"] == sent


@pytest.mark.parametrize("error", [NotYet("early"), TransientError("away")], ids=str)
def test_message_that_is_put_off_keeps_its_id(error: Exception) -> None:
    name = to_message_id("7")
    _, unit = settled(error, message_id=name)
    assert only(unit, SEND)["message_id"] == name


def test_early_message_is_a_dead_letter_after_the_deadline() -> None:
    outcome, unit = settled(NotYet("early"), first_seen=now() - timedelta(days=7, seconds=1))
    assert outcome is Outcome.DEAD
    assert only(unit, DEAD_LETTER)["reason"] == "NotYet: early"


def test_unexpected_error_is_a_dead_letter_with_its_trace() -> None:
    outcome, unit = settled(KeyError("x"))
    assert outcome is Outcome.DEAD
    assert "KeyError" in only(unit, DEAD_LETTER)["trace"]


@pytest.mark.parametrize("state", list(FileState))
def test_refused_file_goes_to_error_from_where_it_may(state: FileState) -> None:
    may = state in {FileState.UPLOADED, FileState.SUBMITTED, FileState.ARCHIVED, FileState.VERIFIED,
                    FileState.ERROR, FileState.CANCELLED}  # fmt: skip
    outcome, unit = settled(FileRefused("bad"), Unit("test", file=new_file(state)))
    used = {effect.statement for effect in unit.effects}
    assert outcome is Outcome.REFUSED
    assert used == {FILE_MOVE if may else FILE_FAULT, EVENT, SEND}
    assert only(unit, EVENT)["event"] == "error"


@pytest.mark.parametrize("state", list(FileState))
def test_refused_message_moves_no_file(state: FileState) -> None:
    _, unit = settled(MessageRefused("bad"), Unit("test", file=new_file(state)))
    assert {effect.statement for effect in unit.effects} == {FILE_FAULT, EVENT, SEND}


@pytest.mark.parametrize("body", [b"{}", b"\xff\x00", b"[1]", b""])
def test_original_message_is_told_as_text(body: bytes) -> None:
    unit = Unit("test")
    settle_error(MessageRefused("bad"), Delivery(queue="ingest", body=body), unit, PATIENCE)
    told = json.loads(only(unit, SEND)["body"])
    assert told["reason"] == "bad"
    assert told["original-message"] == body.decode("utf-8", "replace").replace("\0", "\ufffd")
