"""The process that forks nodes, one for each worker of a test run, and the servers of a real node."""

import os
import random
from collections.abc import Iterator

import pytest

from tests.faults.crash.nursery import Nursery
from tests.stack.handles import PostgresServer, RabbitMQ, S3Server
from tests.stack.node.ground import Servers
from tests.stack.stack import Stack


@pytest.fixture(scope="session")
def _nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
def nursery(_nursery: Nursery) -> Iterator[Nursery]:
    """Where nodes come from; none is left after a test."""
    yield _nursery
    _nursery.clear()


@pytest.fixture(scope="session")
def servers(rabbitmq: RabbitMQ, postgres: PostgresServer, minio: S3Server) -> Servers:
    """The servers of the run."""
    return Servers(rabbitmq=rabbitmq, postgres=postgres, minio=minio)


@pytest.fixture(scope="session")
def seed(stack: Stack) -> int:
    """What the sample of points is drawn with, the same for all workers; FAULTS_SEED gives that of an earlier run."""
    given = os.environ.get("FAULTS_SEED")
    return int(given) if given else stack.once("crash-seed", lambda: random.SystemRandom().randrange(1_000_000))
