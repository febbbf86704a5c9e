"""The node of compose.yaml: a process for each of its services, on servers that run already."""

import fcntl
import os
import signal
import subprocess
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Self

from tests.stack.node.compose import ROOT, Container, containers
from tests.stack.node.ground import Ground, make_secrets
from tests.stack.node.worker import STRONGROOM, Worker
from tests.stack.ports import free_ports
from tests.stack.process import Home, ServerError

SFTP = 2222
HTTP = 8080
LOGIN = 8081
S3 = 8090


def shared_secrets(home: Home) -> Path:
    """Give the secrets for every node on the servers of a test run, where the roles and users are one for all."""
    with (home.folder / "node-secrets.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return make_secrets(home.folder / "node-secrets", " ".join(STRONGROOM))


class ComposeNode:
    """Services as compose would run them, each with its own role, user and secrets; a context manager.

    A service is meant by its name (`verify`: all its replicas), or a replica by its own (`verify-2`).
    """

    def __init__(
        self,
        home: Home,
        ground: Ground,
        *,
        secrets: Path,
        profiles: Collection[str] = ("standalone",),
        replicas: int = 1,
        published: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`published`: listen where compose publishes ports, not on free ones; `settings`: STRONGROOM_* for all."""
        self._home = home
        self._folder = home.subfolder("node")
        self.ground = ground
        self._published = published
        self._settings = dict(settings or {})
        self._containers = containers(secrets)
        # where other services find the keys of tokens, and users the inbox: the first replica of each
        self._login_port, self._s3_port = (LOGIN, S3) if published else free_ports(2)
        self._staff = self._worker("staff", self._containers["staff"])
        self._migration = self._worker("migrate", self._containers["migrate"])
        serving = [container for container in self._containers.values() if container.serves(profiles)]
        self.workers = [worker for container in serving for worker in self._replicas(container, replicas)]

    @property
    def sftp(self) -> tuple[str, int]:
        """Host and port of the inbox."""
        return self._first("inbox").address(SFTP)

    @property
    def s3(self) -> str:
        """URL of the inbox for S3 clients."""
        return "http://{}:{}".format(*self._first("inbox").address(S3))

    @property
    def outbox(self) -> str:
        """URL of the download side."""
        return "http://{}:{}".format(*self._first("outbox").address(HTTP))

    @property
    def login(self) -> str:
        """URL of the log-in pages."""
        return "http://{}:{}".format(*self._first("login").address(LOGIN))

    @property
    def archive_key(self) -> Path:
        """The archive's public key, for which submitters encrypt."""
        return self._containers["ingest"].secrets["archive.sec"].with_suffix(".pub")

    @property
    def env(self) -> dict[str, str]:
        """The settings with which staff's command line means this node."""
        return dict(self._staff.environment)

    def strongroom(self, *words: str, given: str | None = None, within: float = 60) -> subprocess.CompletedProcess[str]:
        """Run the command line as staff would; its exit code is for the caller to look at."""
        return self._run(words, self.env, given=given, within=within)

    def start(self) -> None:
        """Make what the node needs on its servers, migrate, start all services and wait until each is ready."""
        self.ground.make()
        done = self._run(self._migration.container.command, self._migration.environment, given=None, within=120)
        if done.returncode:
            raise ServerError(f"the migration failed: {done.stderr}")
        self._begin(self.workers)

    def stop(self) -> None:
        """Stop all services in the orderly way, side by side."""
        self._end(self.workers)

    def kill(self, service: str) -> None:
        """End a service as a crash does."""
        for worker in self._chosen(service):
            worker.process.kill()

    def restart(self, service: str) -> None:
        """Stop a service in the orderly way unless it has ended, start it and wait until it is ready."""
        workers = self._chosen(service)
        self._end(workers)
        self._begin(workers)

    def pause(self, service: str) -> None:
        """Freeze a service."""
        for worker in self._chosen(service):
            worker.process.pause()

    def resume(self, service: str) -> None:
        """Let a frozen service go on."""
        for worker in self._chosen(service):
            worker.process.resume()

    def logs(self, service: str) -> str:
        """Give all that a service has said."""
        logs = (worker.process.log for worker in self._chosen(service))
        return "".join(log.read_text(encoding="utf-8", errors="replace") for log in logs if log.exists())

    def metrics(self, service: str) -> str:
        """Give the URL of /metrics, /livez and /readyz of a service's first replica."""
        return self._first(service).metrics

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            self._leave()

    def _leave(self) -> None:
        for worker in self.workers:
            worker.process.end()
        self.ground.drop()

    def _replicas(self, container: Container, count: int) -> Iterator[Worker]:
        for number in range(1, count + 1):
            yield self._worker(f"{container.name}-{number}", container, published=self._published and number == 1)

    def _worker(self, name: str, container: Container, *, published: bool = False) -> Worker:
        ports = dict(container.ports) if published else {}
        if name == "login-1":
            ports[LOGIN] = self._login_port
        if name == "inbox-1":
            ports[S3] = self._s3_port
        return Worker(
            name,
            container,
            self.ground,
            home=self._home,
            folder=self._folder,
            ports=ports,
            settings=self._settings,
            places={f"login:{LOGIN}": f"127.0.0.1:{self._login_port}", f"127.0.0.1:{S3}": f"127.0.0.1:{self._s3_port}"},
        )

    def _begin(self, workers: Collection[Worker]) -> None:
        for worker in workers:
            worker.process.ensure()
        for worker in workers:
            worker.await_ready()

    def _end(self, workers: Collection[Worker]) -> None:
        for worker in workers:
            worker.process.send(signal.SIGTERM)
        for worker in workers:
            worker.process.stop()

    def _chosen(self, service: str) -> list[Worker]:
        chosen = [worker for worker in self.workers if service in {worker.name, worker.container.name}]
        assert chosen, f"no service {service} among {', '.join(worker.name for worker in self.workers)}"
        return chosen

    def _first(self, service: str) -> Worker:
        return self._chosen(service)[0]

    def _run(
        self, words: Collection[str], settings: Mapping[str, str], *, given: str | None, within: float
    ) -> subprocess.CompletedProcess[str]:
        bare = {name: value for name, value in os.environ.items() if not name.startswith("STRONGROOM_")}
        return subprocess.run(
            [*STRONGROOM, *words],
            env={**bare, **settings, "PYTHONPATH": str(ROOT)},
            cwd=self._folder,
            input=given,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )
