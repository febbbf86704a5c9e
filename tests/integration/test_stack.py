"""The servers of the tests do what the tests rely on."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pika
import psycopg
import pytest
import urllib3
from minio import Minio
from pika.adapters.blocking_connection import BlockingChannel

from tests.stack import s3
from tests.stack.handles import PostgresServer, RabbitMQ, S3Server
from tests.stack.management import Management
from tests.stack.minio import MinioServer
from tests.stack.postgres import PostgresProcess, administrator
from tests.stack.process import Home, Process, ServerError, required, wait_until
from tests.stack.rabbitmq import RabbitMQNode
from tests.stack.radosgw import RadosGateway
from tests.stack.stack import SERVERS, Stack

ROOT = Path(__file__).parents[2]
DEFINITIONS = ROOT / "docker" / "rabbitmq" / "definitions.json"


def test_all_servers_start_side_by_side(
    stack: Stack, rabbitmq: RabbitMQ, postgres: PostgresServer, minio: S3Server, radosgw: S3Server
) -> None:
    starts = stack.starts()
    assert set(starts) == set(SERVERS)
    assert max(start.begin for start in starts.values()) < min(start.end for start in starts.values())


def test_rabbitmq_gives_every_test_a_vhost_of_its_own(rabbitmq: RabbitMQ, vhost: str) -> None:
    assert Management(rabbitmq).queues(urlsplit(vhost).path[1:]) == {}
    with channel(vhost) as amqp:
        amqp.queue_declare("mine")
        assert amqp.basic_get("mine") == (None, None, None)


def test_an_operator_can_close_the_connections_of_a_vhost(rabbitmq: RabbitMQ, vhost: str) -> None:
    name = urlsplit(vhost).path[1:]
    management = Management(rabbitmq)
    connection = pika.BlockingConnection(pika.URLParameters(vhost))
    wait_until(lambda: len(management.connections(name)) == 1, within=10, what="the connection is not listed")
    assert management.close_connections(name) == 1
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        connection.sleep(10)


@pytest.mark.parametrize("attempt", [1, 2])
def test_postgres_gives_every_test_an_empty_database(database: str, attempt: int) -> None:
    with psycopg.connect(plain(database)) as connection:
        connection.execute("CREATE TABLE mine (attempt int)")
        connection.execute("INSERT INTO mine VALUES (%s)", (attempt,))
        assert connection.execute("SELECT attempt FROM mine").fetchall() == [(attempt,)]


@pytest.mark.parametrize("attempt", [1, 2])
def test_postgres_gives_every_test_a_migrated_database(migrated_database: str, attempt: int) -> None:
    with psycopg.connect(plain(migrated_database)) as connection:
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
        assert connection.execute("SELECT to_regclass('mine')").fetchone() == (None,)
        connection.execute("CREATE TABLE mine (attempt int)")


def test_a_bucket_goes_with_its_objects(minio: S3Server) -> None:
    client, name = s3.client(minio), "to-be-deleted"
    client.make_bucket(name)
    put(client, name, "key", b"body")
    s3.delete_bucket(minio, name)
    s3.delete_bucket(minio, name)
    assert not client.bucket_exists(name)


def test_a_fresh_bucket_is_empty(minio: S3Server, bucket: str) -> None:
    client = s3.client(minio)
    assert list(client.list_objects(bucket)) == []
    put(client, bucket, "key", b"body")


@pytest.mark.parametrize("fault", [RabbitMQNode.stop, RabbitMQNode.kill])
def test_rabbitmq_keeps_the_messages_of_a_durable_queue(
    own_rabbitmq: RabbitMQNode, fault: Callable[[RabbitMQNode], None]
) -> None:
    url = own_rabbitmq.handle.url()
    with channel(url) as amqp:
        amqp.queue_declare("kept", durable=True, arguments={"x-queue-type": "quorum"})
        amqp.basic_publish("", "kept", b"body", pika.BasicProperties(delivery_mode=2), mandatory=True)
        own_rabbitmq.wait_until_stored("/", "kept")
    fault(own_rabbitmq)
    own_rabbitmq.start()
    with channel(url) as amqp:
        wait_until(lambda: amqp.basic_get("kept", auto_ack=True)[2] == b"body", within=20, what="the message is lost")


def test_rabbitmq_loads_the_definitions_of_compose(home: Home) -> None:
    with RabbitMQNode(home, definitions=[DEFINITIONS]) as node:
        node.management.permit("sda")
        with channel(node.handle.url("sda")) as amqp:
            amqp.basic_publish("sda", "ingest", b"work", mandatory=True)
            amqp.basic_publish("sda", "nowhere", b"unroutable", mandatory=True)
            for queue, body in [("ingest", b"work"), ("dead", b"unroutable")]:
                assert amqp.basic_get(queue, auto_ack=True)[2] == body
        assert {queue["type"] for queue in node.management.queues("sda").values()} == {"quorum"}


@pytest.mark.parametrize("fault", [PostgresProcess.stop_immediately, PostgresProcess.kill, PostgresProcess.stop])
def test_postgres_keeps_what_was_committed_before_it_went_down(
    own_postgres: PostgresProcess, fault: Callable[[PostgresProcess], None]
) -> None:
    with administrator(own_postgres.handle) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (fault text PRIMARY KEY)")
        connection.execute("INSERT INTO kept VALUES (%s)", (fault.__name__,))
    fault(own_postgres)
    with pytest.raises(psycopg.OperationalError), administrator(own_postgres.handle):
        pass
    own_postgres.start()
    with administrator(own_postgres.handle) as connection:
        found = connection.execute("SELECT fault FROM kept WHERE fault = %s", (fault.__name__,)).fetchall()
    assert found == [(fault.__name__,)]


def test_a_frozen_minio_answers_again_when_it_is_resumed(own_minio: MinioServer) -> None:
    address = own_minio.handle.endpoint + "/minio/health/live"
    with own_minio.paused(), pytest.raises(urllib3.exceptions.ReadTimeoutError):
        urllib3.request("GET", address, timeout=0.5, retries=False)
    assert urllib3.request("GET", address, timeout=10, retries=False).status == 200


def test_minio_keeps_its_objects_when_it_is_killed(own_minio: MinioServer) -> None:
    client = s3.client(own_minio.handle)
    client.make_bucket("kept")
    put(client, "kept", "key", b"body")
    own_minio.kill()
    own_minio.start()
    assert client.get_object("kept", "key").data == b"body"


def test_a_killed_radosgw_comes_back_with_its_objects(own_radosgw: RadosGateway) -> None:
    client = s3.client(own_radosgw.handle)
    client.make_bucket("kept")
    put(client, "kept", "key", b"body")
    own_radosgw.kill()
    own_radosgw.start()
    assert client.get_object("kept", "key").data == b"body"
    s3.delete_bucket(own_radosgw.handle, "kept")


def test_bluestore_survives_the_loss_of_the_whole_cluster(home: Home) -> None:
    with RadosGateway(home, store="bluestore") as gateway:
        client = s3.client(gateway.handle)
        client.make_bucket("kept")
        put(client, "kept", "key", b"body")
        gateway.kill_cluster()
        gateway.start()
        assert client.get_object("kept", "key").data == b"body"


def test_a_missing_server_is_named_with_the_line_that_installs_it(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"no-such-server is missing; install it: make servers"):
        required(tmp_path / "no-such-server")


def test_a_server_that_ends_at_once_is_reported_with_its_last_words(home: Home, tmp_path: Path) -> None:
    process = Process(name="failing", home=home, folder=tmp_path, command=["sh", "-c", "echo no licence; exit 3"])
    process.start()
    with pytest.raises(ServerError, match="no licence"):
        wait_until(lambda: False, within=10, what="it does not start", process=process)


def test_installing_what_is_there_takes_no_time() -> None:
    begin = time.monotonic()
    subprocess.run([ROOT / "tests" / "stack" / "install.sh"], check=True, capture_output=True)
    assert time.monotonic() - begin < 1


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("death", [None, signal.SIGKILL, signal.SIGTERM], ids=["normal", "SIGKILL", "SIGTERM"])
def test_nothing_is_left_of_a_run(home: Home, workers: str, death: signal.Signals | None) -> None:
    # not pytest's own folder, which the user that PostgreSQL runs as cannot enter
    folder = home.subfolder("inner")
    pytest_command = [sys.executable, "-m", "pytest", "-q", "-n", workers, "-p", "no:cacheprovider"]
    environment = os.environ | {"TMPDIR": str(folder), "STRONGROOM_LEFT_OVER": "1", "DWELL": "60" if death else "0"}
    with (folder / "output").open("w") as output:
        run = subprocess.Popen(
            [*pytest_command, inner_tests(folder)], cwd=ROOT, env=environment, stdout=output, start_new_session=True
        )
    if death:
        wait_until(lambda: len(list(folder.glob("ready-*"))) == 2, within=60, what="the inner tests do not run")
        assert servers_of(folder)
        run.send_signal(death)
    assert run.wait(90) == (-death if death else 0), (folder / "output").read_text()
    assert len({file.name.rpartition("-")[2] for file in folder.glob("ready-*")}) == 1, "workers share one stack"
    wait_until(lambda: not servers_of(folder), within=15, what="processes are left over")
    wait_until(lambda: not list(folder.glob("strongroom-tests-*")), within=15, what="a folder is left over")
    # orphaned workers of a killed run end when their test does: no need to wait for that
    with suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)


INNER = """
import os, pathlib, time, pytest

@pytest.mark.parametrize("name", ["one", "two"])
def test_inner(name, postgres, minio, radosgw):
    assert "STRONGROOM_LEFT_OVER" not in os.environ
    pathlib.Path(os.environ["TMPDIR"], f"ready-{name}-{minio.address}").touch()
    time.sleep(float(os.environ["DWELL"]) * (name == "two"))
"""


def inner_tests(folder: Path) -> Path:
    file = folder / "test_inner.py"
    file.write_text(INNER, encoding="utf-8")
    (folder / "conftest.py").write_text('pytest_plugins = ["tests.stack.fixtures"]\n', encoding="utf-8")
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n", encoding="utf-8")
    return file


def servers_of(folder: Path) -> list[str]:
    """List the processes that run below a folder: by their arguments, environment or working directory."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            place = str((entry / "cwd").readlink())
        except OSError:
            continue
        if f"{folder}/strongroom-tests-".encode() in told or place.startswith(f"{folder}/strongroom-tests-"):
            found.append(entry.name)
    return found


@contextmanager
def channel(url: str) -> Iterator[BlockingChannel]:
    connection = pika.BlockingConnection(pika.URLParameters(url))
    with connection, connection.channel() as amqp:
        amqp.confirm_delivery()
        yield amqp


def put(client: Minio, bucket: str, key: str, body: bytes) -> None:
    client.put_object(bucket, key, io.BytesIO(body), len(body))


def plain(url: str) -> str:
    """Turn a SQLAlchemy URL into one of libpq."""
    return url.replace("postgresql+psycopg:", "postgresql:")
