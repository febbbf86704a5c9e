"""Fixtures: real servers shared by all tests, a vhost, database or bucket for one test, a server for one module.

A server starts in the background as soon as it is known that some collected test wants it.
"""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stack import s3
from tests.stack.handles import PostgresServer, RabbitMQ, S3Server
from tests.stack.management import Management
from tests.stack.minio import MinioServer
from tests.stack.postgres import PostgresProcess, create_database, drop_database
from tests.stack.process import Home
from tests.stack.rabbitmq import RabbitMQNode
from tests.stack.radosgw import RadosGateway
from tests.stack.stack import SERVERS, Stack

STACK = pytest.StashKey[Stack]()
TEMPLATE = "migrated"


def pytest_configure(config: pytest.Config) -> None:
    """Make the run's stack, or join it as a worker; no setting of the caller's shell reaches a test."""
    for name in [name for name in os.environ if name.startswith("STRONGROOM_")]:
        del os.environ[name]
    told = getattr(config, "workerinput", None)
    config.stash[STACK] = Stack(Home(Path(told["home"]), told["owner"]) if told else None)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker where the run's stack lives."""
    home = node.config.stash[STACK].home
    node.workerinput |= {"home": str(home.folder), "owner": home.owner}


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start what the collected tests will want."""
    if session.config.option.collectonly:
        return
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    session.config.stash[STACK].begin(name for name in SERVERS if name in wanted)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how long the servers took to start."""
    starts = config.stash[STACK].starts()
    if starts:
        seconds = ", ".join(f"{name} {start.end - start.begin:.1f} s" for name, start in starts.items())
        total = max(start.end for start in starts.values()) - min(start.begin for start in starts.values())
        terminalreporter.write_line(f"servers started side by side in {total:.1f} s: {seconds}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the stack."""
    if stack := config.stash.get(STACK, None):
        stack.end()


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Stack:
    """All servers of the run."""
    return request.config.stash[STACK]


@pytest.fixture(scope="session")
def home(stack: Stack) -> Home:
    """Where a test may start servers of its own: `with RabbitMQNode(home, ...) as node`."""
    return stack.home


@pytest.fixture(scope="session")
def rabbitmq(stack: Stack) -> RabbitMQ:
    """The run's RabbitMQ; shared, so nobody may harm it."""
    handle: RabbitMQ = stack.start("rabbitmq").handle
    return handle


@pytest.fixture(scope="session")
def postgres(stack: Stack) -> PostgresServer:
    """The run's PostgreSQL; shared, so nobody may harm it."""
    handle: PostgresServer = stack.start("postgres").handle
    return handle


@pytest.fixture(scope="session")
def minio(stack: Stack) -> S3Server:
    """The run's MinIO; shared, so nobody may harm it."""
    handle: S3Server = stack.start("minio").handle
    return handle


@pytest.fixture(scope="session")
def radosgw(stack: Stack) -> S3Server:
    """The run's radosgw, which keeps everything in memory; shared, so nobody may harm it."""
    handle: S3Server = stack.start("radosgw").handle
    return handle


@pytest.fixture
def vhost(rabbitmq: RabbitMQ) -> Iterator[str]:
    """AMQP URL of a fresh vhost, deleted afterwards."""
    name = _fresh_name()
    management = Management(rabbitmq)
    management.create_vhost(name)
    yield rabbitmq.url(name)
    management.delete_vhost(name)


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """SQLAlchemy URL of a fresh and empty PostgreSQL database, dropped afterwards."""
    name = _fresh_name()
    create_database(postgres, name)
    yield postgres.url(name)
    drop_database(postgres, name)


@pytest.fixture
def migrated_database(postgres: PostgresServer, migrated_template: str) -> Iterator[str]:
    """SQLAlchemy URL of a fresh PostgreSQL database with all tables, dropped afterwards."""
    name = _fresh_name()
    create_database(postgres, name, template=migrated_template)
    yield postgres.url(name)
    drop_database(postgres, name)


@pytest.fixture(scope="session")
def migrated_template(stack: Stack, postgres: PostgresServer) -> str:
    """Name of a database with all tables, migrated once in the run, to be copied and never used."""

    def make() -> str:
        from shared.database import migrate

        drop_database(postgres, TEMPLATE)
        create_database(postgres, TEMPLATE)
        migrate.upgrade(postgres.url(TEMPLATE))
        return TEMPLATE

    return stack.once("migrated-template", make)


@pytest.fixture
def bucket(minio: S3Server) -> Iterator[str]:
    """Name of a fresh bucket of the run's MinIO, deleted afterwards with all it holds."""
    name = _fresh_name()
    s3.client(minio).make_bucket(name)
    yield name
    s3.delete_bucket(minio, name)


@pytest.fixture(scope="module")
def own_rabbitmq(home: Home) -> Iterator[RabbitMQNode]:
    """A RabbitMQ of this test module alone, to be killed, frozen, restarted."""
    with RabbitMQNode(home) as node:
        yield node


@pytest.fixture(scope="module")
def own_postgres(home: Home) -> Iterator[PostgresProcess]:
    """A PostgreSQL of this test module alone, to be killed, frozen, restarted."""
    with PostgresProcess(home) as server:
        yield server


@pytest.fixture(scope="module")
def own_minio(home: Home) -> Iterator[MinioServer]:
    """A MinIO of this test module alone, to be killed, frozen, restarted."""
    with MinioServer(home) as server:
        yield server


@pytest.fixture(scope="module")
def own_radosgw(home: Home) -> Iterator[RadosGateway]:
    """A radosgw of this test module alone, to be killed, frozen, restarted."""
    with RadosGateway(home) as gateway:
        yield gateway


def _fresh_name() -> str:
    return f"test-{uuid.uuid4().hex[:16]}"
