"""Staff see exports, have them tried again, and give them up."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.database.queue_tables import dead_letters
from shared.database.states import FileState
from shared.database.tables import export_files, exports
from shared.database.types import now
from shared.identifiers import FileId
from tests.unit.cli.node import Node


def export(node: Node, *states: tuple[str, str | None], **values: Any) -> tuple[str, list[FileId]]:
    """Make an export with a file in each of these states."""
    made = str(uuid4())
    row = {
        "user": "carol", "dataset_id": "EGAD1", "reader_key": "00", "visas": "[]", "visas_until": now(), "owner": "",
        "registered_at": now(), "listed_at": now(), "expires_at": now() + timedelta(days=1),
    }  # fmt: skip
    node.write(exports, id=made, **(row | values))
    members = [node.file("ann", f"{uuid4()}.c4gh", FileState.READY) for _ in states]
    for file, (state, reason) in zip(members, states, strict=True):
        node.write(export_files, export_id=made, file_id=file, state=state, size=100, reason=reason, changed_at=now())
    return made, members


def bury(node: Node, made: str, reason: str = "StoreRefused: no") -> None:
    """Make a dead letter of an export."""
    body = json.dumps({"type": "export_file", "export_id": made, "file_id": made})
    node.write(dead_letters, queue="exports", body=body, trace="", reason=reason, at=now())


def test_exports_are_listed_with_how_far_they_are(node: Node) -> None:
    running, _ = export(node, ("written", None), ("written", None), ("waiting", None))
    done, _ = export(node, ("written", None), ("refused", "it may not be read"), user="dan")
    first, second = node.json("exports", "list")
    assert (first["id"], first["user"], first["dataset"], first["state"]) == (running, "carol", "EGAD1", "running")
    assert (first["written"], first["refused"], first["waiting"], first["bytes_written"]) == (2, 0, 1, 200)
    assert (second["id"], second["state"], second["refused"]) == (done, "done", 1)
    assert [row["id"] for row in node.json("exports", "list", "--user", "dan")] == [done]
    assert running in node("exports", "list").out


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({"listed_at": None}, "queued"),
        ({"refusal": "it may not be read"}, "refused"),
        ({"removed_at": now()}, "removed"),
        ({"expires_at": now() - timedelta(seconds=1)}, "removed"),
        ({}, "done"),
    ],
)
def test_state_says_what_is_to_be_expected(node: Node, values: dict[str, Any], state: str) -> None:
    export(node, **values)
    assert node.json("exports", "list")[0]["state"] == state


def test_export_is_shown_with_what_went_wrong(node: Node) -> None:
    made, (_, refused) = export(node, ("written", None), ("refused", "it may not be read"))
    other, _ = export(node)
    bury(node, made)
    bury(node, other, "another one")
    shown = node.json("exports", "show", made)
    assert [(row["id"], row["reason"]) for row in shown["refused_files"]] == [(refused, "it may not be read")]
    assert [row["reason"] for row in shown["dead_letters"]] == ["StoreRefused: no"]
    text = node("exports", "show", made).out
    assert "it may not be read" in text
    assert "StoreRefused: no" in text
    assert "another one" not in text


def test_retry_has_all_but_what_is_written_tried_again(node: Node) -> None:
    made, (written, refused, waiting) = export(
        node, ("written", None), ("refused", "it may not be read"), ("waiting", None), refusal="x"
    )
    bury(node, made)
    assert node.json("exports", "retry", made, made) == [{"id": made, "retried": True}]
    states = {row["file_id"]: (row["state"], row["reason"]) for row in node.rows(export_files)}
    assert states == {written: ("written", None), refused: ("waiting", None), waiting: ("waiting", None)}
    (row,) = node.rows(exports)
    assert (row["listed_at"], row["refusal"]) == (None, None)
    (sent,) = node.sent()
    assert (sent["queue"] or sent["routing_key"], sent["body"]) == ("exports", {"type": "export", "export_id": made})
    assert node.rows(dead_letters) == []


def test_export_that_is_named_twice_is_retried_once(node: Node) -> None:
    made, _ = export(node, ("waiting", None))
    bury(node, made)
    assert node("exports", "retry", made, made.upper()).code == 0
    assert len(node.sent()) == 1


def test_export_with_nothing_to_try_again_is_left_alone(node: Node) -> None:
    made, _ = export(node, ("written", None), ("waiting", None))
    answer = node("exports", "retry", made)
    assert answer.code == 1
    assert "nothing was refused or is dead" in answer.err
    assert node.sent() == []


def test_export_is_given_up(node: Node) -> None:
    made, _ = export(node, ("written", None))
    kept, _ = export(node)
    assert node("exports", "cancel", made).out == f"{made}: given up\n"
    assert {row["id"]: row["removed_at"] is None for row in node.rows(exports)} == {made: False, kept: True}


@pytest.mark.parametrize("verb", ["retry", "cancel"])
def test_export_that_is_over_is_left_to_be_removed(node: Node, verb: str) -> None:
    made, _ = export(node, ("refused", "x"), expires_at=now() - timedelta(seconds=1))
    answer = node("exports", verb, made)
    assert answer.code == 1
    assert "has expired or was given up" in answer.err
    assert node.sent() == []


@pytest.mark.parametrize("verb", ["show", "retry", "cancel"])
@pytest.mark.parametrize("name", ["00000000-0000-4000-8000-000000000000", "nonsense"])
def test_unknown_export_is_told(node: Node, verb: str, name: str) -> None:
    made, _ = export(node, ("refused", "x"))
    names = [name] if verb == "show" else [made, name]
    answer = node("exports", verb, *names)
    assert answer.code == 1
    assert f"there is no export {name};" in answer.err
    assert node.rows(exports)[0]["removed_at"] is None
    assert node.sent() == []
