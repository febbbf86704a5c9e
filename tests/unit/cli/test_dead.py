import pytest

from shared.database.engine import Conflict
from shared.database.queue_tables import dead_letters
from shared.identifiers import new_file_id
from tests.unit.cli.node import Node


def test_dead_letters_are_listed_and_shown(node: Node) -> None:
    file = new_file_id()
    number = node.dead_letter(file)
    (listed,) = node.json("dead", "list")
    assert listed.pop("at").endswith("Z")
    assert listed == {"id": number, "queue": "ingest", "correlation_id": file, "reason": "KeyError: 'x'"}
    shown = node.json("dead", "show", str(number))
    assert (shown["body"], shown["trace"]) == ('{"a": 1}', "Traceback\n  line")
    text = node("dead", "show", str(number)).out
    assert '{"a": 1}' in text
    assert "Traceback\n  line" in text


def test_replay_sends_the_message_to_its_queue_alone_and_drops_it(node: Node) -> None:
    file = new_file_id()
    numbers = [node.dead_letter(file), node.dead_letter()]
    answer = node.json("dead", "replay", *map(str, numbers), str(numbers[0]))
    assert answer == [{"id": number, "replayed": True} for number in numbers]
    first, second = node.sent()
    assert (first["queue"], first["routing_key"], first["correlation_id"]) == ("ingest", "ingest", file)
    assert (first["body"], first["attempt"]) == ({"a": 1}, 0)
    assert first["message_id"] != second["message_id"]
    assert node.rows(dead_letters) == []


def test_drop_deletes_and_sends_nothing(node: Node) -> None:
    number = node.dead_letter()
    assert node("dead", "drop", str(number)).out == f"{number}: dropped\n"
    assert node.rows(dead_letters) == []
    assert node.sent() == []


@pytest.mark.parametrize("verb", ["replay", "drop"])
def test_one_unknown_number_does_nothing(node: Node, verb: str) -> None:
    number = node.dead_letter()
    answer = node("dead", verb, str(number), "999")
    assert answer.code == 1
    assert "there is no dead letter 999;" in answer.err
    assert len(node.rows(dead_letters)) == 1
    assert node.sent() == []


def test_a_letter_that_someone_else_takes_meanwhile_is_not_replayed_twice(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = node.dead_letter()

    def lost(*_: object) -> None:
        raise Conflict

    monkeypatch.setattr("services.cli.context.UnitWriter.write", lost)
    answer = node("dead", "replay", str(number))
    assert answer.code == 1
    assert "someone else" in answer.err


def test_a_number_that_is_none_is_a_usage_error(node: Node) -> None:
    assert node("dead", "show", "x").code == 2
