"""Every server goes away and every process is stopped or killed under load; each file gets ready exactly once."""

import random
import signal
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from shared.database.tables import keys
from shared.identifiers import FileId
from tests.faults.figures import Note
from tests.faults.load.audit import check_all, conclude
from tests.faults.load.load import Supply, pass_time, until
from tests.faults.load.scale import Scale
from tests.faults.load.site import Site, site_on
from tests.stack.minio import MinioServer
from tests.stack.postgres import PostgresProcess
from tests.stack.process import Home
from tests.stack.rabbitmq import RabbitMQNode

SEED = 20
CUT_AFTER = 40_000
"""Bytes; less than half of the smallest body."""
SLOW = 500_000
"""Bytes a second that come from the S3 server on each connection, so that work is under way when a process ends."""
GRACE = 60
"""Seconds to end in an orderly way, as in compose.yaml."""


@pytest.fixture(scope="module")
def site(
    home: Home, own_rabbitmq: RabbitMQNode, own_postgres: PostgresProcess, own_minio: MinioServer, scale: Scale
) -> Iterator[Site]:
    servers = (own_rabbitmq.handle, own_postgres.handle, own_minio.handle)
    with site_on(home, *servers, replicas=scale.replicas) as site:
        yield site
        # whatever test came last: all that was ever sent is as it should be
        check_all(site.load)
        site.check_queues()


@dataclass(frozen=True)
class Outage:
    """A fault of a server, and how it ends."""

    begin: Callable[[], None]
    end: Callable[[], None]
    tell: Callable[[Collection[FileId]], None]
    """tells of uploads while it lasts"""
    of_database: bool = False
    """whether the uploads must be registered before"""


@pytest.fixture
def outages(
    site: Site, own_rabbitmq: RabbitMQNode, own_postgres: PostgresProcess, own_minio: MinioServer
) -> dict[str, Outage]:
    proxy, tell = site.proxy, site.load.tell
    return {
        "broker stopped": Outage(own_rabbitmq.stop, own_rabbitmq.start, tell),
        "database stopped": Outage(own_postgres.stop_immediately, own_postgres.start, site.publish, of_database=True),
        "S3 stopped": Outage(own_minio.stop, own_minio.start, tell),
        "S3 hung": Outage(own_minio.pause, own_minio.resume, tell),
        "S3 answers 500": Outage(lambda: proxy.answer(500), proxy.behave, tell),
        "S3 answers 503": Outage(lambda: proxy.answer(503), proxy.behave, tell),
        "S3 cuts bodies": Outage(lambda: proxy.cut_after(CUT_AFTER), proxy.behave, tell),
    }


def test_servers_go_away_and_come_back_under_load(
    site: Site, outages: dict[str, Outage], scale: Scale, note: Note
) -> None:
    for fault, outage in outages.items():
        some = site.load.put(scale.files)
        first, second = some[::2], some[1::2]
        if outage.of_database:
            site.load.register(second)
        site.load.tell(first)
        _flowing(site, first)
        outage.begin()
        outage.tell(second)
        pass_time(scale.outage)
        outage.end()
        _conclude(site, some, fault, scale, note)


def test_services_are_restarted_under_load(site: Site, scale: Scale, note: Note) -> None:
    services = list(dict.fromkeys(worker.container.name for worker in site.node.workers))
    supply, steps = Supply(site.load, scale.files, large=False), scale.restarts * len(services)
    site.proxy.slow_down(SLOW)
    for step in range(steps):
        supply.fill()
        supply.strike(partial(_restart, site, services[step % len(services)]))
    _conclude_supply(site, supply, "each service restarted (SIGTERM)", scale, note)


def test_services_are_killed_every_second_under_load(site: Site, scale: Scale, note: Note) -> None:
    chance, supply = random.Random(SEED), Supply(site.load, scale.files)
    site.proxy.slow_down(SLOW)
    for _ in range(scale.kills):
        supply.fill()
        worker = chance.choice(site.node.workers)
        supply.strike(worker.process.kill)
        worker.process.start()
        pass_time(1)
    _conclude_supply(site, supply, "a random service killed every second", scale, note)


def test_a_key_that_nobody_registered_is_as_good_as_any(site: Site, scale: Scale, note: Note) -> None:
    """Services register the keys that they are given, and nobody else did."""
    some = site.load.put(scale.files)
    site.load.tell(some)
    _conclude(site, some, "archive key that nobody registered", scale, note)
    with site.load.database.read() as connection:
        assert list(connection.scalars(select(keys.c.fingerprint))) == [site.load.reader.fingerprint]


def _flowing(site: Site, some: Collection[FileId]) -> None:
    until("the flow to begin", lambda: any(state != "uploaded" for state in site.load.states(some).values()))


def _restart(site: Site, service: str) -> None:
    """Stop all replicas of a service in the orderly way, each in its own time, and start them again."""
    workers = [worker for worker in site.node.workers if worker.container.name == service]
    for worker in workers:
        worker.process.send(signal.SIGTERM)
    for worker in workers:
        worker.process.stop(within=GRACE)
        worker.process.start()


def _conclude_supply(site: Site, supply: Supply, fault: str, scale: Scale, note: Note) -> None:
    times, least = len(supply.in_flight), min(supply.in_flight)
    _conclude(site, supply.some, fault, scale, note, times=times, in_flight=least)


def _conclude(
    site: Site,
    some: Collection[FileId],
    fault: str,
    scale: Scale,
    note: Note,
    *,
    times: int = 1,
    in_flight: int | None = None,
) -> None:
    site.proxy.behave()
    figures: dict[str, Any] = {"patience": scale.patience, "completions": site.completions, "in_flight": in_flight}
    conclude(site.load, some, fault=fault, times=times, note=note, **figures)
    for worker in site.node.workers:
        # one that gave up is not ready
        worker.await_ready()
