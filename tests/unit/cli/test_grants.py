from datetime import UTC, datetime, timedelta

import pytest

from shared.database.tables import grants, users
from shared.database.types import now
from tests.unit.cli.node import Node


def test_a_grant_is_added_listed_and_taken_back(node: Node) -> None:
    assert node.json("grants", "add", "carol", "EGAD1") == {"user": "carol", "dataset": "EGAD1", "until": None}
    (listed,) = node.json("grants", "list")
    assert listed.keys() == {"user", "dataset", "until", "granted_at"}
    assert node.json("grants", "remove", "carol", "EGAD1")["removed"] is True
    assert node.json("grants", "list") == []


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("2027-01-31", datetime(2027, 1, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        ("2027-01-31T12:00:00", datetime(2027, 1, 31, 12, tzinfo=UTC)),
        ("2027-01-31T12:00:00+02:00", datetime(2027, 1, 31, 10, tzinfo=UTC)),
        ("2027-01-31T12:00:00Z", datetime(2027, 1, 31, 12, tzinfo=UTC)),
    ],
)
def test_the_end_may_be_a_day_or_a_time(node: Node, until: str, expected: datetime) -> None:
    assert node("grants", "add", "carol", "EGAD1", "--until", until).code == 0
    assert node.rows(grants)[0]["until"] == expected


def test_the_end_may_be_so_many_days_from_now_and_may_change(node: Node) -> None:
    node("grants", "add", "carol", "EGAD1")
    node("grants", "add", "carol", "EGAD1", "--until", "30d")
    (row,) = node.rows(grants)
    assert timedelta(days=29) < row["until"] - now() <= timedelta(days=30)


@pytest.mark.parametrize("until", ["soon", "2027-13-01", "30"])
def test_an_end_that_is_no_time_is_a_usage_error(node: Node, until: str) -> None:
    answer = node("grants", "add", "carol", "EGAD1", "--until", until)
    assert answer.code == 2
    assert "--until" in answer.err


def test_someone_from_elsewhere_and_a_dataset_to_come_get_a_note(node: Node) -> None:
    answer = node("grants", "add", "carol", "EGAD1", "--json")
    assert "carol is no user of this node" in answer.err
    assert "there is no dataset EGAD1 yet" in answer.err
    assert answer.json["user"] == "carol"


def test_no_note_where_both_are_there(node: Node) -> None:
    node.write(users, name="carol", enabled=1, registered_at=now())
    node.dataset("EGAD1")
    assert node("grants", "add", "carol", "EGAD1").err == ""


def test_a_grant_that_is_not_there_is_not_taken_back(node: Node) -> None:
    answer = node("grants", "remove", "carol", "EGAD1")
    assert answer.code == 1
    assert "carol has no grant for EGAD1" in answer.err


def test_the_list_can_be_narrowed(node: Node) -> None:
    for user, dataset in (("carol", "EGAD1"), ("carol", "EGAD2"), ("dan", "EGAD1")):
        node("grants", "add", user, dataset)
    assert len(node.json("grants", "list", "--user", "carol")) == 2
    assert len(node.json("grants", "list", "--user", "dan", "--dataset", "EGAD2")) == 0
