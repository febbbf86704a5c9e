"""Work that outlasts the broker's patience, and work of a process that hangs, is done once."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from shared.database.queue_tables import leases
from shared.database.states import FileState
from shared.database.tables import events
from shared.identifiers import FileId
from tests.faults.load.audit import check_all
from tests.faults.load.load import LARGE, until
from tests.faults.load.site import Site, site_on
from tests.stack.handles import PostgresServer, S3Server
from tests.stack.process import Home
from tests.stack.rabbitmq import RabbitMQNode

SLOW = 100_000
"""Bytes a second: a large file takes a minute and a half."""


class ImpatientRabbitMQ(RabbitMQNode):
    """Takes deliveries back: after three seconds without an answer, and after few more from a client that hangs."""

    def __init__(self, home: Home) -> None:
        super().__init__(home, consumer_timeout=timedelta(seconds=3))

    def _configuration(self) -> str:
        return super()._configuration() + "heartbeat = 5\n"

    def _environment(self) -> dict[str, str]:
        settings = super()._environment()
        name = "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"
        return settings | {name: f"{settings[name]} -rabbit channel_tick_interval 1000"}


@pytest.fixture(scope="module")
def site(home: Home, postgres: PostgresServer, minio: S3Server) -> Iterator[Site]:
    services = ("ingest", "verify", "finalize", "orchestrate")
    with (
        ImpatientRabbitMQ(home) as rabbitmq,
        site_on(home, rabbitmq.handle, postgres, minio, replicas=2, services=services) as site,
    ):
        yield site
        check_all(site.load)
        site.check_queues()


def test_a_file_whose_verification_outlasts_the_brokers_patience_is_verified_once(site: Site) -> None:
    site.proxy.slow_down(SLOW)
    file = _send_large(site)
    token = until("verify to begin", lambda: _holder(site, file))
    until("the broker to lose its patience", lambda: "channel_closed" in site.node.logs("verify"))
    until("another worker to find the lease taken", lambda: _put_off(site, "verify") > 0)
    assert _holder(site, file) == token
    assert _happened(site, file, "verified") == 0
    site.proxy.behave()
    _get_ready(site, file)
    assert _put_off(site, "verify") > 0
    assert "race_lost" not in site.node.logs("verify")


def test_another_worker_takes_over_from_one_that_hangs_and_the_late_result_is_refused(site: Site) -> None:
    site.node.kill("verify-2")
    site.proxy.slow_down(SLOW)
    file = _send_large(site)
    token = until("verify to begin", lambda: _holder(site, file))
    site.node.pause("verify-1")
    site.node.restart("verify-2")
    until("the other one to take over", lambda: _holder(site, file) not in {None, token})
    site.proxy.behave()
    _get_ready(site, file)
    before = site.node.logs("verify-1").count("race_lost")
    site.node.resume("verify-1")
    until("the late result to be refused", lambda: site.node.logs("verify-1").count("race_lost") > before)
    _get_ready(site, file)


def _send_large(site: Site) -> FileId:
    file = site.load.put_one(LARGE)
    site.load.tell([file])
    until("the file to be archived", lambda: site.load.states([file])[file] is FileState.ARCHIVED)
    return file


def _holder(site: Site, file: FileId) -> str | None:
    """Return the token of the lease on a file."""
    with site.load.database.read() as connection:
        token: str | None = connection.scalar(select(leases.c.token).where(leases.c.name == file))
    return token


def _put_off(site: Site, service: str) -> int:
    return site.node.logs(service).count("another worker is at ")


def _get_ready(site: Site, file: FileId) -> None:
    until("the file to be ready", lambda: site.load.ready([file]))
    for event in ("archived", "verified", "ready"):
        assert _happened(site, file, event) == 1


def _happened(site: Site, file: FileId, event: str) -> int:
    query = select(func.count()).where(events.c.file_id == file, events.c.event == event)
    with site.load.database.read() as connection:
        return connection.scalar(query) or 0
