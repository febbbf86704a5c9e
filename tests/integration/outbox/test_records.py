"""Who was given what, and who was refused, is on record; nobody can change the record unnoticed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, select, text

from shared.access.audit import Access, AuditLog, BrokenChain, WholeChain, check_chain
from shared.database.tables import audit
from tests.integration.outbox.client import Client
from tests.integration.outbox.host import READER, READER_KEY, OutboxHost
from tests.integration.outbox.test_disturbances import BIG, stalled
from tests.integration.outbox.test_downloads import until


def records(outbox: OutboxHost) -> list[dict[str, Any]]:
    with outbox.database.read() as connection:
        return [dict(row._mapping) for row in connection.execute(select(audit).order_by(audit.c.number))]


def until_recorded(outbox: OutboxHost, count: int) -> list[dict[str, Any]]:
    until(lambda: len(records(outbox)) >= count)
    return records(outbox)


def chain(outbox: OutboxHost) -> object:
    with outbox.database.read() as connection:
        return check_chain(connection)


def test_every_access_is_on_record(outbox: OutboxHost, client: Client) -> None:
    sample = outbox.offer(b"x" * 1000)
    client.ask(f"/files/{sample.accession}", X_Correlation_ID="run-1")
    client.ask(f"/files/{sample.id}/content", Range="bytes=0-9")
    client.ask(f"/files/{sample.id}/header")
    client.ask("/files/none")
    client.ask("/datasets/none")
    client.ask("/datasets")
    client.ask(f"/files/{sample.id}", key="bad")
    found = until_recorded(outbox, 7)
    told = [(row["action"], row["target"], row["outcome"], row["bytes"]) for row in found]
    assert told == [
        ("GET file", sample.accession, "whole", sample.size),
        ("GET content", sample.id, "range", 10),
        ("GET header", sample.id, "whole", 124),
        ("GET file", "none", "refused: Forbidden", 0),
        ("show dataset", "none", "refused: Forbidden", 0),
        ("list datasets", "", "answered", 0),
        ("GET file", sample.id, "refused: BadPublicKey", 0),
    ]
    assert {row["user"] for row in found} == {READER}
    assert [row["reader_key"] for row in found[:2]] == [READER_KEY.public.hex(), None]
    assert [row["file_id"] for row in found[:4]] == [sample.id, sample.id, sample.id, None]
    assert found[0]["correlation_id"] == "run-1"


def test_records_that_come_while_others_are_written_share_the_next_transaction(outbox: OutboxHost) -> None:
    log, access = AuditLog(outbox.database), Access(service="outbox", user=READER, action="test", target="")

    def another(_: object) -> None:
        log.end(access, "second")

    event.listen(outbox.database.engine, "commit", another)
    try:
        log.end(access, "first")
        log.turn()
    finally:
        event.remove(outbox.database.engine, "commit", another)
    assert [row["outcome"] for row in records(outbox)] == ["first"]
    log.turn()
    assert [row["outcome"] for row in records(outbox)] == ["first", "second"]


def test_download_that_lasts_is_on_record_before_its_end_and_with_the_bytes_sent(outbox: OutboxHost) -> None:
    sample = outbox.offer(BIG)
    with stalled(outbox, sample) as connection:
        connection.recv(1000)
        assert [row["outcome"] for row in until_recorded(outbox, 1)] == ["started"]
    found = until_recorded(outbox, 2)[1]
    assert found["outcome"] == "left"
    assert 0 < found["bytes"] < sample.size


def test_chain_of_records_holds(outbox: OutboxHost, client: Client) -> None:
    sample = outbox.offer(b"x")
    for _ in range(5):
        client.ask(f"/files/{sample.id}")
    found = until_recorded(outbox, 5)
    assert chain(outbox) == WholeChain(5, found[-1]["digest"], witnessed=True)


@contextmanager
def _unguarded(outbox: OutboxHost) -> Iterator[Any]:
    """Do what only the owner of the database can: change the record."""
    with outbox.database.write() as connection:
        if outbox.database.is_sqlite:
            for verb in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER audit_{verb}"))
        else:
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        yield connection


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET \"user\" = 'someone' WHERE number = 2",
        "UPDATE audit SET bytes = bytes + 1 WHERE number = 2",
        "DELETE FROM audit WHERE number = 2",
    ],
)
def test_changed_record_is_found_out(outbox: OutboxHost, client: Client, change: str) -> None:
    sample = outbox.offer(b"x")
    for _ in range(4):
        client.ask(f"/files/{sample.id}")
    until_recorded(outbox, 4)
    with pytest.raises(Exception, match="append-only"), outbox.database.write() as connection:
        connection.execute(text(change))
    with _unguarded(outbox) as connection:
        connection.execute(text(change))
    assert chain(outbox) == BrokenChain(2)


def test_several_processes_share_one_chain(outbox: OutboxHost) -> None:
    sample = outbox.offer(b"x")
    first = Client(outbox.url, outbox.token())
    with outbox.up():
        second = Client(outbox.url, outbox.token())
        for _ in range(10):
            first.ask(f"/files/{sample.id}")
            second.ask(f"/files/{sample.id}")
        until_recorded(outbox, 20)
    assert isinstance(chain(outbox), WholeChain)


def test_reader_who_asks_for_too_much_is_told_to_wait(outbox: OutboxHost) -> None:
    sample = outbox.offer(BIG)
    with outbox.up(outbox_reader_requests=1), stalled(outbox, sample) as connection:
        connection.recv(100)
        answer = Client(outbox.url, outbox.token()).ask(f"/files/{sample.id}")
        assert answer.problem == (429, "TOO_MANY_REQUESTS")
        assert int(answer.headers["retry-after"]) >= 1
        another = Client(outbox.url, outbox.token("another"))
        assert another.ask("/datasets").status == 200
    with outbox.up(outbox_reader_rate=0.1):
        client = Client(outbox.url, outbox.token())
        assert [client.ask("/datasets").status for _ in range(2)] == [200, 429]


def test_what_stands_in_a_request_does_not_break_the_record(outbox: OutboxHost, client: Client) -> None:
    for name in ("%00", "a%0Ab", "%ff%fe", "x" * 3000, "%f0%9f%98%80"):
        assert client.ask(f"/files/{name}").status == 403
    until_recorded(outbox, 5)
    assert isinstance(chain(outbox), WholeChain)
