"""Servers that keep their data, ports and passwords from one start to the next."""

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stack.minio import MinioServer
from tests.stack.node.ground import Servers
from tests.stack.postgres import PostgresProcess
from tests.stack.process import Home
from tests.stack.rabbitmq import RabbitMQNode
from tests.stack.server import Server


@dataclass(frozen=True)
class KeptHome(Home):
    """A home whose data are not in the folder that goes with its owner."""

    data: Path

    def subfolder(self, name: str) -> Path:
        """Give the folder of one server, the same at every start."""
        folder = self.data / name
        folder.mkdir(parents=True, exist_ok=True)
        # servers that run as another user live below it
        folder.chmod(0o711)
        return folder


@contextmanager
def kept_servers(home: KeptHome) -> Iterator[Servers]:
    """Start the servers of a node side by side; stop them in the orderly way at the end."""
    kinds = (RabbitMQNode, PostgresProcess, MinioServer)
    servers = [_settled(kind, home) for kind in kinds]
    try:
        with ThreadPoolExecutor(len(servers)) as threads:
            list(threads.map(_start, servers))
        rabbitmq, postgres, minio = (server.handle for server in servers)
        yield Servers(rabbitmq=rabbitmq, postgres=postgres, minio=minio)
    finally:
        with ThreadPoolExecutor(len(servers)) as threads:
            list(threads.map(Server.stop, servers))


def _settled(kind: type[Server[Any]], home: KeptHome) -> Server[Any]:
    """Make a server as it was; one whose first start was not finished is made anew."""
    memory = _memory(home.data / kind.name)
    if not memory.exists():
        shutil.rmtree(memory.parent, ignore_errors=True)
    server = kind(home)
    if memory.exists():
        vars(server).update(json.loads(memory.read_text(encoding="utf-8")), _prepared=True)
    return server


def _start(server: Server[Any]) -> None:
    server.start()
    known = {name: value for name, value in vars(server).items() if name == "password" or name.endswith("_port")}
    memory = _memory(server._folder)
    memory.touch(mode=0o600)
    memory.write_text(json.dumps(known), encoding="utf-8")


def _memory(folder: Path) -> Path:
    return folder / "kept.json"
