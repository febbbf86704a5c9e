"""The node of compose.yaml as processes on real servers: it comes up, everyone may do what they need, nothing stays."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pika
import pika.exceptions
import psycopg
import pytest

from services.cli import registry
from shared.broker import topology
from tests.stack.handles import PostgresServer, RabbitMQ, S3Server
from tests.stack.management import Management
from tests.stack.node.compose import ROOT
from tests.stack.node.ground import Ground, Servers
from tests.stack.node.node import ComposeNode, shared_secrets
from tests.stack.node.worker import is_ready
from tests.stack.ports import free_ports
from tests.stack.process import Home, wait_until
from tests.stack.rabbitmq import RabbitMQNode
from tests.stack.s3 import client

CENTRAL_EGA = {"completed", "error", "rotatekey"}
"""Queues that no service of the node takes from."""


@pytest.fixture(scope="module")
def secrets(home: Home) -> Path:
    return shared_secrets(home)


@pytest.fixture(scope="module")
def ground(rabbitmq: RabbitMQ, postgres: PostgresServer, minio: S3Server, secrets: Path) -> Ground:
    servers = Servers(rabbitmq=rabbitmq, postgres=postgres, minio=minio)
    return Ground(servers, secrets=secrets, name=f"node{uuid.uuid4().hex[:8]}")


@pytest.fixture(scope="module")
def node(home: Home, ground: Ground, secrets: Path) -> Iterator[ComposeNode]:
    with ComposeNode(home, ground, secrets=secrets) as node:
        yield node
    assert not [worker.name for worker in node.workers if worker.process.running or is_ready(worker.metrics)]


def test_every_service_of_compose_is_ready(node: ComposeNode) -> None:
    assert {worker.container.name for worker in node.workers} == set(registry.SERVICES)
    assert [worker.name for worker in node.workers if not is_ready(worker.metrics)] == []


def test_every_queue_has_its_consumer(node: ComposeNode, ground: Ground) -> None:
    management = Management(ground.servers.rabbitmq)
    wanted = {queue.name for queue in topology.QUEUES} | {topology.DEAD_QUEUE}

    def consumed() -> set[str]:
        return {name for name, queue in management.queues(ground.vhost).items() if queue.get("consumers")}

    wait_until(lambda: consumed() == wanted - CENTRAL_EGA, within=20, what="not every queue has a consumer")
    assert set(management.queues(ground.vhost)) == wanted


def test_the_migration_makes_the_buckets(node: ComposeNode, ground: Ground) -> None:
    s3 = client(ground.servers.minio)
    assert all(s3.bucket_exists(bucket) for bucket in ground.buckets.values())


def test_the_migration_can_be_run_again(node: ComposeNode, ground: Ground) -> None:
    node.start()
    assert all(is_ready(worker.metrics) for worker in node.workers)


def test_staff_reach_the_node_with_its_settings(node: ComposeNode) -> None:
    added = node.strongroom("users", "add", "someone@example.org", "--password-stdin", given="a long enough password\n")
    assert added.returncode == 0, added.stderr
    listed = node.strongroom("users", "list", "--json")
    assert [user["name"] for user in json.loads(listed.stdout)] == ["someone@example.org"]


@pytest.mark.parametrize(
    ("service", "sql"),
    [
        ("outbox", "DELETE FROM files"),
        ("outbox", "UPDATE files SET state = 'ready'"),
        ("outbox", "SELECT password_hash FROM users"),
        ("outbox", "INSERT INTO grants VALUES ('me', 'all', NULL, now())"),
        ("intercept", "SELECT header FROM files"),
        ("verify", "DELETE FROM files"),
        ("verify", "SELECT * FROM grants"),
        ("inbox", "UPDATE users SET password_hash = NULL"),
        ("mapper", "SELECT * FROM checksums"),
        ("orchestrate", "DELETE FROM events"),
        ("finalize", "TRUNCATE files"),
        ("ingest", "CREATE TABLE mine (id integer)"),
        ("staff", "UPDATE files SET state = 'ready'"),
        ("staff", "DROP TABLE files"),
    ],
)
def test_a_role_may_not_do_what_its_service_does_not(
    node: ComposeNode, ground: Ground, secrets: Path, service: str, sql: str
) -> None:
    with _as(ground, secrets, service) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(sql.encode())


def test_a_role_may_do_what_its_service_does(node: ComposeNode, ground: Ground, secrets: Path) -> None:
    with _as(ground, secrets, "verify") as connection:
        connection.execute("SELECT id FROM outgoing FOR UPDATE SKIP LOCKED")
        connection.execute("UPDATE files SET state = 'verified' WHERE false")
        connection.execute("SELECT count(*) FROM datasets GROUP BY state")


def test_a_user_of_the_broker_can_take_from_its_own_queue_only(
    node: ComposeNode, ground: Ground, secrets: Path
) -> None:
    with pika.BlockingConnection(_parameters(secrets, "verify", ground.servers.rabbitmq, ground.vhost)) as connection:
        connection.channel().queue_declare("archived", passive=True)
        with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="ACCESS_REFUSED"):
            connection.channel().basic_get("inbox")
        with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="ACCESS_REFUSED"):
            connection.channel().queue_declare("mine")


def test_a_service_that_was_killed_starts_again(node: ComposeNode) -> None:
    node.kill("verify")
    assert not is_ready(node.metrics("verify"))
    before = node.logs("verify")
    node.restart("verify")
    assert is_ready(node.metrics("verify"))
    assert "started" in node.logs("verify").removeprefix(before)


def test_a_frozen_service_goes_on(node: ComposeNode) -> None:
    node.pause("mapper")
    node.resume("mapper")
    assert is_ready(node.metrics("mapper"))


@pytest.fixture
def loaded(home: Home, secrets: Path) -> Iterator[RabbitMQ]:
    """A RabbitMQ that has read the files that compose mounts, and nothing else."""
    files = [ROOT / "docker/rabbitmq/definitions.json", secrets / "rabbitmq_users.json"]
    with RabbitMQNode(home, definitions=files) as server:
        yield server.handle


def test_rabbitmq_starts_with_queues_and_users_for_services_that_declare_nothing(
    loaded: RabbitMQ, secrets: Path
) -> None:
    with pika.BlockingConnection(_parameters(secrets, "verify", loaded, "sda")) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_publish("sda", "archived", b"{}", mandatory=True)
        assert channel.basic_get("archived", auto_ack=True)[2] == b"{}"


def _as(ground: Ground, secrets: Path, service: str) -> psycopg.Connection:
    """Log in to the node's database as a service does."""
    url = (secrets / f"database_url_{service}").read_text(encoding="utf-8").strip()
    server = ground.servers.postgres
    here = url.replace("+psycopg", "").replace(
        "postgres:5432/strongroom", f"{server.host}:{server.port}/{ground.database}"
    )
    return psycopg.connect(here, autocommit=True, connect_timeout=5)


def _parameters(secrets: Path, service: str, server: RabbitMQ, vhost: str) -> pika.URLParameters:
    """Tell how a service logs in to a broker."""
    parameters = pika.URLParameters((secrets / f"broker_url_{service}").read_text(encoding="utf-8").strip())
    parameters.host, parameters.port, parameters.virtual_host = server.host, server.port, vhost
    return parameters


class Local:
    """`python -m tests.stack.node` on a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        sftp, http = free_ports(2)
        self._environment = os.environ | {"NODE_SFTP_PORT": str(sftp), "NODE_HTTP_PORT": str(http)}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tests.stack.node", "--folder", str(self.folder), *words]
        return subprocess.run(
            command, cwd=ROOT, env=self._environment, capture_output=True, text=True, timeout=300, check=False
        )

    def succeed(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def staff(self, *words: str) -> str:
        lines = (self.folder / "strongroom.env").read_text(encoding="utf-8").splitlines()
        settings = dict(line.replace("'", "").split("=", 1) for line in lines)
        command = [sys.executable, "-m", "services.cli", *words]
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | settings, input="a long enough password\n", capture_output=True,
            text=True, timeout=60, check=True,
        )  # fmt: skip
        return done.stdout

    def processes(self) -> list[str]:
        """Give the command lines of all processes that have to do with the folder."""
        mark, found = os.fsencode(self.folder), []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if mark in words:
                found.append(words.replace(b"\0", b" ").decode())
        return found


@pytest.fixture
def local(home: Home) -> Iterator[Local]:
    local = Local(home.subfolder("up"))
    yield local
    local.run("down")


def test_a_local_node_goes_down_without_a_trace_and_comes_up_with_its_data(local: Local) -> None:
    local.succeed("up", "--replicas", "2")
    assert local.succeed("status").count(" ready ") == 2 * (len(registry.SERVICES) - 1)
    assert "runs already" in local.run("up").stderr
    local.staff("users", "add", "someone", "--password-stdin")
    local.succeed("down")
    assert local.processes() == []

    local.succeed("up")
    assert "someone" in local.staff("users", "list")
    os.kill(int((local.folder / "node.pid").read_text(encoding="ascii")), signal.SIGKILL)
    wait_until(lambda: not local.processes(), within=30, what="processes outlive the supervisor")
    assert local.run("status").returncode == 1
