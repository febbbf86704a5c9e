"""One container of compose.yaml as a process: its settings, its secrets and its ports, on this machine."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

import urllib3

from tests.stack.node.compose import ROOT, SECRETS, Container
from tests.stack.node.ground import Ground
from tests.stack.ports import free_ports
from tests.stack.process import Home, Process, wait_until

METRICS = 9100
READY_SECONDS = 60.0
STRONGROOM = (sys.executable, "-m", "services.cli")
"""The command line, installed or not."""

_LISTENS = re.compile(r"\b0\.0\.0\.0:(\d+)")


class Worker:
    """A process of a service. Several of them can stand for one container, each with ports of its own."""

    def __init__(
        self,
        name: str,
        container: Container,
        ground: Ground,
        *,
        home: Home,
        folder: Path,
        ports: Mapping[int, int],
        settings: Mapping[str, str],
        places: Mapping[str, str],
    ) -> None:
        """Settle it in `folder`, without starting it.

        ports: of this machine by port of the container; those that are not given are free ones. settings:
        STRONGROOM_* besides those of compose.yaml. places: of other services, by what they are in its network.
        """
        self.name = name
        self.container = container
        self._ports = dict(ports)
        self._folder = folder / name
        self._places = {**ground.places, **places}
        self.environment = self._settle(ground) | dict(settings)
        self.process = Process(
            name=name,
            home=home,
            folder=folder,
            command=[*STRONGROOM, *container.command],
            environment=self.environment | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        )

    def address(self, port: int) -> tuple[str, int]:
        """Give host and port where a port of the container is on this machine."""
        return "127.0.0.1", self._ports[port]

    @property
    def metrics(self) -> str:
        """Where /metrics, /livez and /readyz are."""
        return "http://{}:{}".format(*self.address(METRICS))

    def await_ready(self) -> None:
        """Wait until it can work; raises ServerError when it ends, or takes too long."""
        what = f"{self.name} does not become ready"
        wait_until(lambda: is_ready(self.metrics), within=READY_SECONDS, what=what, process=self.process)

    def _settle(self, ground: Ground) -> dict[str, str]:
        secrets = self._folder / "secrets"
        secrets.mkdir(parents=True, exist_ok=True, mode=0o700)
        for target, file in self.container.secrets.items():
            content = ground.account.get(target) or _moved(file.read_text(encoding="utf-8"), self._places)
            (secrets / target).write_text(content, encoding="utf-8")
        places = {name: self._here(_moved(value, self._places)) for name, value in self.container.environment.items()}
        return {name: value.replace(SECRETS, str(secrets)) for name, value in places.items()}

    def _here(self, value: str) -> str:
        return _LISTENS.sub(lambda found: f"127.0.0.1:{self._port(int(found[1]))}", value)

    def _port(self, port: int) -> int:
        if port not in self._ports:
            [self._ports[port]] = free_ports(1)
        return self._ports[port]


def is_ready(metrics: str) -> bool:
    """Whether a process says that it can work."""
    try:
        return urllib3.request("GET", f"{metrics}/readyz", timeout=10, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def _moved(text: str, places: Mapping[str, str]) -> str:
    for place, here in places.items():
        text = text.replace(place, here)
    return text
