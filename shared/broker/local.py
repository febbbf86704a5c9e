"""The embedded node: SQLite in a folder, deliveries from the table itself, one process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from shared.broker.commit import UnitWriter, to_local_queue
from shared.broker.committer import Committer
from shared.broker.embedded import Bell, EmbeddedSource
from shared.broker.leases import LEASE_CLEAR, LeaseKeeper
from shared.broker.node import Node
from shared.broker.preparation import Preparation
from shared.broker.settings import FlowSettings
from shared.broker.sweeper import Sweeper
from shared.broker.unit import Unit
from shared.database.engine import Database
from shared.errors import ConfigurationError

LINGER = 0.05
"""Seconds; shorter than with PostgreSQL: all services share this committer, so each step of a file may wait for it."""

WORKERS = 2
"""Threads for each queue: all services share one interpreter, and more threads only take it from each other."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder of an embedded node; raises ConfigurationError while another process holds it."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ConfigurationError(f"{folder} is in use by another `strongroom up`: stop that one first") from None
    finally:
        os.close(descriptor)


def local_node(database: Database, flow: FlowSettings | None = None) -> Node:
    """Return a node on a database that is also its queue; `flow`: other than by default."""
    flow = flow or FlowSettings(workers=WORKERS)
    bell = Bell()
    committer = Committer(UnitWriter(database, to_local_queue), on_commit=bell.ring, linger=LINGER)
    leases = LeaseKeeper(committer, ttl=timedelta(seconds=flow.lease_seconds))
    return Node(
        database=database,
        committer=committer,
        leases=leases,
        source=lambda queue: EmbeddedSource(database, queue, bell, prefetch=flow.prefetch),
        flow=flow,
        parts=(committer, leases, Sweeper(database)),
        has_broker=False,
        checks={"database": database.check},
    )


def forget_leases(node: Node) -> Preparation:
    """Free the files that a killed process worked on: while the folder is locked nobody else can hold a lease."""
    unit = Unit("node")
    unit.add(LEASE_CLEAR)
    return Preparation(node.committer, unit)
