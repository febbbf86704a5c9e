"""A running node, embedded or real, as its users see it: the command, SFTP, HTTP, and messages from outside."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from unittest.mock import patch

import pika
from pydantic import SecretStr

from services.cli.__main__ import main
from shared.broker.commit import UnitWriter, to_local_queue
from shared.broker.unit import Unit
from shared.database.engine import Database
from shared.storage.port import ObjectStore
from shared.storage.settings import S3Settings, open_store, s3_store
from tests.stack.node.node import ComposeNode

COMMAND = (sys.executable, "-m", "services.cli")


@dataclass(frozen=True)
class Answer:
    """What a command line gave back."""

    returncode: int
    stdout: str
    stderr: str


def run_command(arguments: Sequence[str], environment: Mapping[str, str], text: str | None) -> Answer:
    """Run a command line in this process, which is many times quicker than starting another one each time."""
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, environment),
        patch.object(sys, "stdin", io.StringIO(text or "")),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = main(arguments)
    return Answer(code, out.getvalue(), err.getvalue())


class Node(Protocol):
    """What an end-to-end test does with a node."""

    sftp: tuple[str, int]
    s3: str
    outbox: str
    login: str
    public_key: Path
    folder: Path

    @property
    def exports(self) -> ObjectStore:
        """Where it writes exports to."""

    def run(self, *arguments: str, text: str | None = None) -> Answer:
        """Run the `strongroom` command on this node."""

    def publish(self, queue: str, body: str, correlation_id: str | None) -> None:
        """Send a message as another program would: without an id of its own."""

    def logs(self) -> str:
        """Return all that the services have logged."""


def json_of(node: Node, *arguments: str) -> Any:
    """Run a verb that must succeed, and read its answer."""
    done = node.run(*arguments, "--json")
    assert done.returncode == 0, (arguments, done.stderr)
    return json.loads(done.stdout) if done.stdout.strip() else None


def succeed(node: Node, *arguments: str, text: str | None = None) -> str:
    done = node.run(*arguments, text=text)
    assert done.returncode == 0, (arguments, done.stderr, done.stdout)
    return done.stdout


def until(what: str, reached: Callable[[], Any], seconds: float = 60) -> Any:
    """Poll until `reached` returns something true, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := reached()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.1)
    return found


class EmbeddedNode:
    """`strongroom up --embedded` as a process of its own, which may be killed."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.data = folder / "node"
        self._options = options
        self._log = folder / "node.log"
        self.process: subprocess.Popen[str] | None = None

    @property
    def exports(self) -> ObjectStore:
        """Where it writes exports to."""
        return open_store(f"dir:{self.data / 'store' / 'exports'}", None)

    def start(self) -> None:
        fronts = ("--sftp", "--s3", "--http", "--login", "--metrics")
        ports = [word for front in fronts for word in (front, "127.0.0.1:0")]
        command = [*COMMAND, "up", "--embedded", "--data", str(self.data), *ports, "--json", *self._options]
        with self._log.open("a") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process.stdout is not None
        ready = json.loads(self.process.stdout.readline() or "null")
        if not ready:
            self.kill()
            raise AssertionError(self.logs())
        host, _, port = ready["sftp"].rpartition(":")
        self.sftp = (host, int(port))
        self.s3 = ready["s3"]
        self.outbox = ready["outbox"]
        self.login = ready["login"]
        self.metrics = ready["metrics"]
        self.public_key = Path(ready["public_key"])

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return code

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def run(self, *arguments: str, text: str | None = None) -> Answer:
        return run_command([*arguments, "--data", str(self.data)], {}, text)

    def publish(self, queue: str, body: str, correlation_id: str | None) -> None:
        database = Database(f"sqlite:///{self.data / 'strongroom.db'}")
        unit = Unit("test")
        unit.send_raw(queue, body, correlation_id, queue=queue)
        UnitWriter(database, to_local_queue).write([unit])
        database.close()

    def logs(self) -> str:
        return self._log.read_text()


class RealNode:
    """All services of `compose.yaml` as processes, on RabbitMQ, PostgreSQL and MinIO."""

    def __init__(self, compose: ComposeNode, broker_url: str, folder: Path) -> None:
        self.compose = compose
        self.folder = folder
        self.sftp = compose.sftp
        self.s3 = compose.s3
        self.outbox = compose.outbox
        self.login = compose.login
        self.public_key = compose.archive_key
        self._broker = pika.URLParameters(broker_url)

    def run(self, *arguments: str, text: str | None = None) -> Answer:
        return run_command(arguments, self.compose.env, text)

    def publish(self, queue: str, body: str, correlation_id: str | None) -> None:
        with pika.BlockingConnection(self._broker) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            properties = pika.BasicProperties(delivery_mode=2, correlation_id=correlation_id)
            channel.basic_publish("sda", queue, body.encode(), properties, mandatory=True)

    @property
    def exports(self) -> ObjectStore:
        """Where it writes exports to."""
        server, bucket = self.compose.ground.servers.minio, self.compose.ground.buckets["exports"]
        key, secret = SecretStr(server.access_key), SecretStr(server.secret_key)
        return s3_store(bucket, S3Settings(endpoint=server.endpoint, access_key=key, secret_key=secret))

    def errors(self) -> list[dict[str, Any]]:
        """Take what stands in queue `error`."""
        return list(self.taken("error"))

    def taken(self, queue: str) -> Iterator[dict[str, Any]]:
        """Take the messages of a queue that Central EGA would take."""
        with pika.BlockingConnection(self._broker) as connection:
            channel = connection.channel()
            while (got := channel.basic_get(queue, auto_ack=True))[0] is not None:
                yield {**json.loads(got[2]), "correlation_id": got[1].correlation_id}

    def logs(self) -> str:
        return "".join(self.compose.logs(worker.name) for worker in self.compose.workers)


@contextmanager
def embedded_node(folder: Path, *options: str) -> Iterator[EmbeddedNode]:
    """Run an embedded node for a while."""
    node = EmbeddedNode(folder, *options)
    node.start()
    try:
        yield node
    finally:
        if node.process is not None:
            assert node.stop() == 0, node.logs()[-2000:]


# ---- people and their programs
