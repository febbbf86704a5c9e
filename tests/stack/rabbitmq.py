"""RabbitMQ, one node with an epmd of its own."""

import json
import socket
from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from pathlib import Path

import pika
import pika.exceptions

from tests.stack.handles import RabbitMQ
from tests.stack.management import Management
from tests.stack.ports import free_ports
from tests.stack.process import Home, Process, required, wait_until
from tests.stack.server import Server

# not the one in /usr/sbin, which runs as the system's user `rabbitmq`
PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


class RabbitMQNode(Server[RabbitMQ]):
    """A RabbitMQ node with the management plugin."""

    name = "rabbitmq"
    start_seconds = 120.0

    def __init__(
        self,
        home: Home,
        *,
        consumer_timeout: timedelta = timedelta(minutes=30),
        definitions: Sequence[Path] = (),
        plugins: Sequence[str] = ("rabbitmq_management",),
    ) -> None:
        """`definitions` are files of vhosts, exchanges, queues that are there from the first login on."""
        super().__init__(home)
        self._port, self._management_port, self._distribution_port, self._epmd_port = free_ports(4)
        self._consumer_timeout = consumer_timeout
        self._definitions = definitions
        self._plugins = plugins

    @property
    def handle(self) -> RabbitMQ:
        """Addresses and administrator."""
        management = f"http://127.0.0.1:{self._management_port}"
        return RabbitMQ(
            host="127.0.0.1", port=self._port, management_url=management, user="tests", password=self.password
        )

    @property
    def management(self) -> Management:
        """Its HTTP API."""
        return Management(self.handle)

    def wait_until_stored(self, vhost: str, *queues: str) -> None:
        """Wait until freshly declared quorum queues would survive `kill`.

        RabbitMQ 3.10 writes the name of a new queue to disk about a second after it has confirmed the declaration;
        if it dies in between, the queue is there again but never finds a leader.
        """
        names = [f"{'%2F' if vhost == '/' else vhost}_{queue}".encode() for queue in queues]

        def stored() -> bool:
            registers = [file.read_bytes() for file in self._path("mnesia").rglob("names.dets")]
            return all(any(name in register for register in registers) for name in names)

        wait_until(stored, within=30, what=f"the queues {queues} are not stored")

    @cached_property
    def _front(self) -> Process:
        return Process(
            name="rabbitmq",
            home=self._home,
            folder=self._folder,
            command=[required(PROGRAM)],
            environment=self._environment(),
        )

    def _prepare(self) -> None:
        for folder in ("mnesia", "log", "definitions"):
            self._path(folder).mkdir()
        cookie = self._path(".erlang.cookie")
        cookie.write_text(self.password, encoding="ascii")
        cookie.chmod(0o400)
        self._path("enabled_plugins").write_text(f"[{','.join(self._plugins)}].", encoding="ascii")
        self._path("rabbitmq.conf").write_text(self._configuration(), encoding="utf-8")
        self._path("definitions/users.json").write_text(json.dumps(self._users()), encoding="utf-8")
        for file in self._definitions:
            self._path(f"definitions/{file.name}").write_bytes(file.read_bytes())

    def _configuration(self) -> str:
        settings = {
            "listeners.tcp.1": f"127.0.0.1:{self._port}",
            "management.tcp.ip": "127.0.0.1",
            "management.tcp.port": self._management_port,
            "load_definitions": self._path("definitions"),
            "consumer_timeout": int(self._consumer_timeout.total_seconds() * 1000),
            "disk_free_limit.absolute": "50MB",
            "collect_statistics_interval": 1000,
            "log.console": "true",
            "log.file": "false",
        }
        if "rabbitmq_management" not in self._plugins:
            settings = {name: value for name, value in settings.items() if not name.startswith("management.")}
        return "".join(f"{name} = {value}\n" for name, value in settings.items())

    def _users(self) -> dict[str, object]:
        user = {"name": self.handle.user, "password": self.password, "tags": ["administrator"]}
        permission = {"user": self.handle.user, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
        return {"users": [user], "vhosts": [{"name": "/"}], "permissions": [permission]}

    def _environment(self) -> dict[str, str]:
        # the machine has few cores: idle schedulers shall sleep instead of spinning
        erlang = "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none"
        return {
            "RABBITMQ_NODENAME": f"tests{self._port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(self._path("mnesia")),
            "RABBITMQ_LOG_BASE": str(self._path("log")),
            "RABBITMQ_PID_FILE": str(self._path("pid")),
            "RABBITMQ_SCHEMA_DIR": str(self._path("schema")),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self._path("generated")),
            "RABBITMQ_CONFIG_FILE": str(self._path("rabbitmq")),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._path("enabled_plugins")),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": erlang,
            # the shell becomes the Erlang machine, so that signals reach it
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def _answers(self) -> bool:
        try:
            # pika logs a screenful for every refused connection
            socket.create_connection((self.handle.host, self.handle.port), timeout=5).close()
            pika.BlockingConnection(pika.URLParameters(self.handle.url())).close()
        except (pika.exceptions.AMQPError, OSError):
            return False
        return "rabbitmq_management" not in self._plugins or self.management.answers()
