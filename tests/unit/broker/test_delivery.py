"""Deliveries as values."""

from datetime import timedelta
from typing import Any

import pytest

from shared.broker.delivery import Delivery, to_message_id
from shared.database.types import now


@pytest.mark.parametrize("again", [{"redelivered": True}, {"attempt": 1}, {"races_lost": 1}], ids=str)
def test_old_message_that_comes_again_predates_what_happened_since(again: dict[str, Any]) -> None:
    at = now()
    delivery = Delivery(queue="q", body=b"", first_seen=at, **again)
    assert delivery.predates(at + timedelta(microseconds=1))
    assert not delivery.predates(at)


def test_message_delivered_for_the_first_time_predates_nothing() -> None:
    assert not Delivery(queue="q", body=b"", first_seen=now() - timedelta(days=1)).predates(now())


def test_losing_a_race_is_counted() -> None:
    assert Delivery(queue="q", body=b"").decided_anew().decided_anew().races_lost == 2


def test_message_id_is_a_uuid_whatever_the_sender_calls_it() -> None:
    name = "4B5E9AA0-7CB9-4C0A-8C71-D1A5E7FD0C11"
    assert to_message_id(name) == name.lower()
    assert to_message_id("7") == to_message_id("7") != to_message_id("8")
    assert to_message_id("") is to_message_id(None) is None


def test_every_attempt_of_a_message_has_a_name_of_its_own() -> None:
    attempts = [Delivery(queue="q", body=b"", message_id=to_message_id("7"), attempt=number) for number in (0, 1, 2)]
    names = [delivery.attempt_id for delivery in attempts]
    assert len({*names, to_message_id("7")}) == 4
    assert names == [delivery.decided_anew().attempt_id for delivery in attempts]
    assert Delivery(queue="q", body=b"").attempt_id is None


@pytest.mark.parametrize("text", [None, "", "x", "4b5e9aa0"])
def test_correlation_id_that_is_no_uuid_names_no_file(text: str | None) -> None:
    assert Delivery(queue="q", body=b"", correlation_id=text).file_id is None


def test_file_id_is_read_in_any_spelling() -> None:
    name = "4B5E9AA07CB94C0A8C71D1A5E7FD0C11"
    assert Delivery(queue="q", body=b"", correlation_id=name).file_id == "4b5e9aa0-7cb9-4c0a-8c71-d1a5e7fd0c11"
