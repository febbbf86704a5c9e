import json

import pytest
from sqlalchemy import insert

from shared.database.states import FileState
from shared.database.tables import files
from shared.database.types import now
from shared.identifiers import new_file_id
from tests.unit.cli.node import Node


def test_the_list_tells_the_promised_fields(node: Node) -> None:
    made = node.file("alice", "run/a.c4gh", FileState.READY, accession="EGAF1")
    node.dataset("EGAD1", made)
    bare = node.file("alice", "run/b.c4gh", FileState.ERROR, size=None, error="damaged")
    first, second = node.json("files", "list")
    expected = {"id": made, "user": "alice", "path": "run/a.c4gh", "state": "ready", "size": 1234}
    assert expected.items() <= first.items()
    assert (first["accession"], first["dataset"], first["error"]) == ("EGAF1", "EGAD1", None)
    assert (second["id"], second["size"], second["dataset"], second["error"]) == (bare, None, None, "damaged")


def test_the_list_can_be_narrowed(node: Node) -> None:
    node.file("alice", "run/a_1.c4gh")
    node.file("alice", "run/aX1.c4gh", FileState.ERROR)
    node.file("bob", "Run/a_1.c4gh")

    def paths(*options: str) -> list[str]:
        return [file["path"] for file in node.json("files", "list", *options)]

    assert paths("--user", "bob") == ["Run/a_1.c4gh"]
    assert paths("--state", "error") == ["run/aX1.c4gh"]
    assert paths("--prefix", "run/a_") == ["run/a_1.c4gh"]
    assert paths("--prefix", "/run") == ["run/aX1.c4gh", "run/a_1.c4gh"]
    assert paths("--limit", "1") == ["run/aX1.c4gh"]
    assert paths("--user", "nobody") == []


def test_a_list_of_many_pages_has_each_file_once(node: Node) -> None:
    rows = [
        {"id": new_file_id(), "user": f"u{n % 3}", "path": f"p{n // 7}", "state": "uploaded"}
        | {"registered_at": now(), "changed_at": now()}
        for n in range(1203)
    ]
    with node.database.write() as connection:
        connection.execute(insert(files), rows)
    listed = node.json("files", "list")
    assert {file["id"] for file in listed} == {row["id"] for row in rows}
    assert len(listed) == len(rows)
    assert len(node("files", "list").out.splitlines()) == len(rows) + 1


def test_a_table_is_not_folded_where_a_program_reads_it(node: Node) -> None:
    path = "a" * 300 + "/b c.c4gh"
    made = node.file("alice", path, error="[red]not markup[/] \x1b[31m")
    line = node("files", "list").out.splitlines()[1]
    assert line.startswith(made)
    assert path in line
    assert "[red]not markup[/]" in line
    assert "\x1b" not in line
    assert not any(line.endswith(" ") for line in node("files", "list").out.splitlines())


def test_show_tells_all_by_file_id_and_by_accession_id(node: Node) -> None:
    made = node.file("alice", "a.c4gh", FileState.READY, accession="EGAF1", archive_size=1110)
    node.checksum(made, "plain", "sha256", "ab" * 32)
    node.event(made, "uploaded")
    node.event(made, "error", "segment 3 is damaged")
    node.dataset("EGAD1", made)
    shown = node.json("files", "show", made)
    assert shown == node.json("files", "show", "EGAF1")
    assert shown["checksums"] == {"plain": {"sha256": "ab" * 32}}
    assert [(event["event"], event["reason"]) for event in shown["events"]] == [
        ("uploaded", None),
        ("error", "segment 3 is damaged"),
    ]
    assert shown["datasets"] == ["EGAD1"]
    assert shown["archive_size"] == 1110
    text = node("files", "show", made).out
    assert all(word in text for word in ("segment 3 is damaged", "ab" * 32, "EGAD1", "a.c4gh", "timeline"))


@pytest.mark.parametrize("name", ["EGAF9", "0f7b4b1e-7d6c-4a52-9a1e-0d7a3a0d6f11"])
def test_a_file_that_is_not_there_is_not_shown(node: Node, name: str) -> None:
    answer = node("files", "show", name)
    assert (answer.code, answer.out) == (1, "")
    assert f"there is no file {name}" in answer.err


def test_an_empty_list_is_an_array(node: Node) -> None:
    assert json.loads(node("files", "list", "--json").out) == []
