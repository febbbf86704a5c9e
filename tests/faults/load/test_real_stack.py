"""Every server goes away and every process is stopped or killed under load; each file gets ready exactly once.

What goes wrong in the incumbent's pipeline, and the test that shows that it does not here:

1. the same trigger twice loops: test_a_trigger_twice_is_once (tests/e2e/test_bad_input.py)
2. ingest killed or stopped in mid-file loses files: test_services_are_killed_..., test_services_are_restarted_...
3. an accession id before verified spins: test_an_accession_id_before_the_file_is_verified_... (test_bad_input.py)
4. triggers are lost while the database is away: test_servers_go_away_..., "database stopped"
5. no fitting key stops all verification: test_a_wrong_file_is_refused_..., "for another key" (test_bad_input.py)
6. services stay down after a restart of the broker: test_servers_go_away_..., "broker stopped"
10. a key that is not registered ends in `error`: test_a_key_that_nobody_registered_is_as_good_as_any
"""

import random
import signal
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from shared.database.tables import keys
from shared.identifiers import FileId
from tests.faults.load.audit import check_all, conclude
from tests.faults.load.load import pass_time, until
from tests.faults.load.report import Note
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
    of_database: bool = False
    """whether no upload can be told of while it lasts"""


@pytest.fixture
def outages(
    site: Site, own_rabbitmq: RabbitMQNode, own_postgres: PostgresProcess, own_minio: MinioServer
) -> dict[str, Outage]:
    proxy = site.proxy
    return {
        "broker stopped": Outage(own_rabbitmq.stop, own_rabbitmq.start),
        "database stopped": Outage(own_postgres.stop_immediately, own_postgres.start, of_database=True),
        "S3 stopped": Outage(own_minio.stop, own_minio.start),
        "S3 hung": Outage(own_minio.pause, own_minio.resume),
        "S3 answers 500": Outage(lambda: proxy.answer(500), proxy.behave),
        "S3 answers 503": Outage(lambda: proxy.answer(503), proxy.behave),
        "S3 cuts bodies": Outage(lambda: proxy.cut_after(CUT_AFTER), proxy.behave),
    }


def test_servers_go_away_and_come_back_under_load(
    site: Site, outages: dict[str, Outage], scale: Scale, note: Note
) -> None:
    for fault, outage in outages.items():
        some = site.load.put(scale.files)
        first, second = some[::2], some[1::2]
        site.load.tell(first)
        _flowing(site, first)
        outage.begin()
        if not outage.of_database:
            site.load.tell(second)
        pass_time(scale.outage)
        outage.end()
        if outage.of_database:
            site.load.tell(second)
        _conclude(site, some, fault, scale, note)


def test_services_are_restarted_under_load(site: Site, scale: Scale, note: Note) -> None:
    services = list(dict.fromkeys(worker.container.name for worker in site.node.workers))
    some = site.load.put(scale.files, large=False)
    steps = scale.restarts * len(services)
    site.proxy.slow_down(SLOW)
    for step in range(steps):
        portion = some[step::steps]
        site.load.tell(portion)
        _flowing(site, portion)
        _restart(site, services[step % len(services)])
    _conclude(site, some, "each service restarted (SIGTERM)", scale, note, times=steps)


def test_services_are_killed_every_second_under_load(site: Site, scale: Scale, note: Note) -> None:
    chance, some = random.Random(SEED), site.load.put(scale.files)
    site.proxy.slow_down(SLOW)
    for second in range(scale.kills):
        site.load.tell(some[second :: scale.kills])
        worker = chance.choice(site.node.workers)
        worker.process.kill()
        worker.process.start()
        pass_time(1)
    _conclude(site, some, "a random service killed every second", scale, note, times=scale.kills)


def test_a_key_that_nobody_registered_is_as_good_as_any(site: Site, scale: Scale) -> None:
    """Services register the keys that they are given, and nobody else did."""
    some = site.load.put(1)
    site.load.tell(some)
    until("the file to be ready", lambda: site.load.ready(some), scale.patience)
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


def _conclude(site: Site, some: Collection[FileId], fault: str, scale: Scale, note: Note, *, times: int = 1) -> None:
    site.proxy.behave()
    conclude(
        site.load, some, fault=fault, times=times, note=note, patience=scale.patience, completions=site.completions
    )
    for worker in site.node.workers:
        # one that gave up is not ready
        worker.await_ready()
