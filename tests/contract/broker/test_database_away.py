"""PostgreSQL goes away and comes back, on a server of this module's own."""

import threading
from collections.abc import Iterator

import pytest

from shared.broker.delivery import Delivery
from shared.broker.unit import Unit
from shared.database.engine import Database
from shared.database.migrate import upgrade
from tests.contract.broker.kit import Job, Noting, acting_on, eventually, wait
from tests.contract.broker.real import RealFlow
from tests.stack.postgres import PostgresProcess, administrator


@pytest.fixture
def flow(own_postgres: PostgresProcess, vhost: str) -> Iterator[RealFlow]:
    url = own_postgres.handle.url()
    upgrade(url)
    database = Database(url)
    yield RealFlow(database, vhost)
    database.close()


def test_nothing_is_lost_while_the_database_is_away(flow: RealFlow, own_postgres: PostgresProcess) -> None:
    file, begun, go_on = flow.register(), threading.Event(), threading.Event()

    def act(delivery: Delivery, unit: Unit) -> None:
        begun.set()
        wait(go_on, 30)
        unit.event(file.id, delivery.text)
        unit.send_raw("archived", delivery.text, None)

    handler, after = Noting(act), Noting()
    with flow.runners(Job(handler=handler), Job(queue="archived", handler=after)) as [runner, other]:
        for number in range(30):
            flow.publish_with("ingest", str(number).encode(), message_id=f"message {number}")
        wait(begun)
        own_postgres.stop_immediately()
        go_on.set()
        eventually(lambda: not runner.connected)
        eventually(lambda: flow.backlog("ingest") == 30)
        own_postgres.start()
        flow.database.close()  # the test's own connections broke too
        eventually(lambda: len(set(after.bodies)) == 30, 30)
        eventually(lambda: flow.owed() == 0)
        assert runner.alive
        assert other.alive
    assert sorted(map(int, flow.happened(file))) == list(range(30))
    assert not flow.dead()


def test_nothing_is_lost_while_the_database_takes_no_commits(flow: RealFlow, own_postgres: PostgresProcess) -> None:
    file, name = flow.register(), flow.database.url.database
    handler = acting_on(file)

    def read_only(value: str) -> None:
        with administrator(own_postgres.handle, "template1") as connection:
            connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}")
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")

    with flow.runners(Job(handler=handler)) as [runner]:
        read_only("on")
        try:
            flow.publish("ingest", b"patience")
            eventually(lambda: len(handler.notes) >= 3)
            assert runner.alive
        finally:
            read_only("off")
            flow.database.close()
        eventually(lambda: flow.happened(file) == ["patience"], 30)
    assert not flow.dead()
    eventually(lambda: flow.backlog("ingest") == flow.backlog("dead") == 0)
