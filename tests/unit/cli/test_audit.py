"""Staff see who was given what, and whether the record is whole."""

from sqlalchemy import text

from shared.access.audit import Access, Record, append
from shared.database.types import now
from tests.unit.cli.node import Node


def _record(node: Node, *users: str) -> str:
    records = [
        Record(Access(service="outbox", user=user, action="GET file", target="F1"), "whole", 5, now()) for user in users
    ]
    with node.database.write() as connection:
        return append(connection, records)[1]


def test_accesses_are_listed_the_newest_first(node: Node) -> None:
    _record(node, "alice", "bob", "alice")
    assert [row["number"] for row in node.json("audit", "list")] == [3, 2, 1]
    assert [row["number"] for row in node.json("audit", "list", "--user", "alice", "--limit", "1")] == [3]


def test_whole_record_is_verified_with_its_newest_digest(node: Node) -> None:
    assert node.json("audit", "verify")["records"] == 0
    noted = _record(node, "alice", "bob")
    _record(node, "carol")
    shown = node.json("audit", "verify", "--digest", noted)
    assert shown["records"] == 3
    assert shown["digest"] != noted


def test_record_that_was_made_anew_lacks_the_noted_digest(node: Node) -> None:
    noted = _record(node, "alice", "bob")
    with node.database.write() as connection:
        connection.execute(text("DROP TRIGGER audit_delete"))
        connection.execute(text("DELETE FROM audit"))
    _record(node, "alice", "carol")
    assert node("audit", "verify").code == 0
    refused = node("audit", "verify", "--digest", noted)
    assert refused.code == 1
    assert "the digest that was noted is not in it" in refused.err
