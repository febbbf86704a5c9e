from pathlib import Path

from shared.database.engine import Database
from shared.database.migrate import SCHEMA, require_current
from shared.database.states import FileState
from tests.unit.cli.node import CommandLine, Node


def test_migrate_brings_a_database_to_the_present_schema(strongroom: CommandLine, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'strongroom.db'}")
    database.check()
    answer = strongroom("migrate", "--data", tmp_path, "--json")
    assert answer.json == {"from": None, "to": SCHEMA, "roles": [], "buckets": []}
    require_current(database)
    database.close()
    assert strongroom("migrate", "--data", tmp_path).out == f"the schema is at {SCHEMA} already\n"


def test_status_counts_everything(node: Node) -> None:
    node.file("alice", "a.c4gh")
    node.file("alice", "b.c4gh", FileState.READY)
    node.dataset("EGAD1")
    node.dead_letter()
    node("files", "ingest", "alice", "*")
    found = node.json("status")
    (owed,) = found.pop("owed")
    assert found == {
        "schema": SCHEMA,
        "files": {"uploaded": 1, "ready": 1},
        "datasets": {"registered": 1},
        "users": 0,
        "dead_letters": 1,
    }
    assert (owed["queue"], owed["messages"]) == ("ingest", 2)
    assert owed["oldest"].endswith("Z")
    text = node("status").out
    assert "1 ready, 1 uploaded" in text
    assert "ingest" in text


def test_status_of_a_wrong_schema_fails(strongroom: CommandLine, tmp_path: Path) -> None:
    Database(f"sqlite:///{tmp_path / 'strongroom.db'}").check()
    answer = strongroom("status", "--data", tmp_path)
    assert answer.code == 1
    assert "schema version none" in answer.err
