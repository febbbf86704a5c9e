"""A node on PostgreSQL and RabbitMQ."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from shared.broker.commit import UnitWriter, to_exchange
from shared.broker.committer import Committer
from shared.broker.consuming import RabbitSource
from shared.broker.leases import LeaseKeeper
from shared.broker.node import Node
from shared.broker.publishing import BrokerAway, Publisher
from shared.broker.rabbit import Link
from shared.broker.relay import Relay
from shared.broker.settings import BrokerSettings
from shared.broker.sweeper import Sweeper
from shared.database.engine import Database
from shared.database.migrate import require_current
from shared.database.settings import DatabaseSettings


class RealSettings(BrokerSettings, DatabaseSettings):
    """What a service on RabbitMQ and PostgreSQL needs to know."""


@contextmanager
def real_node(settings: RealSettings) -> Iterator[Node]:
    """Yield a node on the servers that the settings name; raises ConfigurationError on the wrong schema version."""
    database = Database(settings.database_url.get_secret_value(), pool_size=settings.workers + 6)
    try:
        require_current(database)
        yield _assemble(settings, database)
    finally:
        database.close()


def _assemble(settings: RealSettings, database: Database) -> Node:
    link = Link(settings.broker_url.get_secret_value(), declare=settings.broker_declare)
    relay = Relay(database, Publisher(link))
    committer = Committer(UnitWriter(database, to_exchange), on_commit=relay.ring)
    leases = LeaseKeeper(committer, ttl=timedelta(seconds=settings.lease_seconds))

    def check_broker() -> None:
        if not link.connected:
            raise BrokerAway

    return Node(
        database=database,
        committer=committer,
        leases=leases,
        source=lambda queue: RabbitSource(link, queue, prefetch=settings.prefetch),
        flow=settings,
        parts=(link, relay, committer, leases, Sweeper(database)),
        has_broker=True,
        checks={"database": database.check, "broker": check_broker},
    )
