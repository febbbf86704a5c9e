"""Ceph's S3 gateway with the smallest cluster that carries it: one monitor, one storage daemon, no manager."""

import json
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Literal

from tests.stack.handles import S3Server
from tests.stack.ports import free_ports
from tests.stack.process import Home, Process, required, run, wait_until
from tests.stack.s3 import listens, lists_buckets
from tests.stack.server import Server

Store = Literal["memstore", "bluestore"]
GATEWAY = "client.rgw"
GIB = 1 << 30


class RadosGateway(Server[S3Server]):
    """A radosgw on its own cluster; stop, kill and pause are done to the gateway alone, the disks behind it live on.

    The store `memstore` starts four times as fast and loses everything with its daemon; `bluestore` keeps it on disk
    (`kill_cluster`) and is the one for bodies of gigabytes.
    """

    name = "radosgw"

    def __init__(self, home: Home, *, store: Store = "memstore") -> None:
        super().__init__(home)
        self._store = store
        self._port, self._monitor_port = free_ports(2)

    @property
    def handle(self) -> S3Server:
        """Endpoint and credentials."""
        return S3Server(endpoint=f"http://127.0.0.1:{self._port}", access_key="tests", secret_key=self.password)

    @cached_property
    def _front(self) -> Process:
        return self._daemon("radosgw", "-n", GATEWAY)

    @cached_property
    def _monitor(self) -> Process:
        return self._daemon("ceph-mon", "-i", "a")

    @cached_property
    def _disk(self) -> Process:
        return self._daemon("ceph-osd", "-i", "0")

    def kill_cluster(self) -> None:
        """End gateway, storage and monitor as a power cut does; `start` brings all back."""
        for process in (self._front, self._disk, self._monitor):
            process.kill()

    def end(self) -> None:
        """End gateway, storage and monitor at once, for good."""
        for process in (self._front, self._disk, self._monitor):
            process.end()

    def _launch(self) -> None:
        self._monitor.ensure()
        self._disk.ensure()
        # a gateway that comes before its disk asks a while after the disk of the time before
        wait_until(self._disk_serves, within=self.start_seconds, what="ceph-osd does not start", process=self._disk)
        self._front.ensure()

    def _disk_serves(self) -> bool:
        """Ask the storage daemon by its admin socket: a JSON command and a zero go in, a length and JSON come out."""
        with _opened(self._path("run")) as folder, socket.socket(socket.AF_UNIX) as asker:
            try:
                asker.connect(f"/proc/self/fd/{folder}/osd.0.asok")
                asker.sendall(b'{"prefix": "status"}\0')
                length = int.from_bytes(asker.recv(4, socket.MSG_WAITALL), "big")
                status = json.loads(asker.recv(length, socket.MSG_WAITALL) or "{}")
            except (OSError, ValueError):  # no socket yet, or one that does not know the command yet
                return False
        return bool(status.get("state") == "active")

    def _wait(self) -> None:
        wait_until(
            lambda: listens(self.handle), within=self.start_seconds, what="radosgw does not start", process=self._front
        )
        if not self._answers():
            user = ["--uid", "tests", "--display-name", "tests"]
            keys = ["--access-key", self.handle.access_key, "--secret", self.handle.secret_key]
            self._run("radosgw-admin", "user", "create", *user, *keys)
        super()._wait()

    def _answers(self) -> bool:
        return lists_buckets(self.handle)

    def _prepare(self) -> None:
        for name in ("mon", "osd", "rgw", "run"):
            self._path(name).mkdir()
        cluster = str(uuid.uuid4())
        self._path("ceph.conf").write_text(self._configuration(cluster), encoding="utf-8")
        self._make_keys()
        address = f"[v2:127.0.0.1:{self._monitor_port}]"
        run(
            [_program("monmaptool"), "--create", "--fsid", cluster, "--addv", "a", address, self._path("monmap")],
            folder=self._folder,
        )
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", self._path("monmap"), "--keyring", self._keyring)
        self._monitor.start()
        self._make_disk()

    def _make_keys(self) -> None:
        everything = ["--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *"]
        self._authorize("--create-keyring", "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
        self._authorize("--gen-key", "-n", "client.admin", *everything)
        self._authorize("--gen-key", "-n", GATEWAY, *everything)

    def _make_disk(self) -> None:
        disk = str(uuid.uuid4())
        key = run([_program("ceph-authtool"), "--gen-print-key"], folder=self._folder).strip()
        self._run("ceph", "osd", "new", disk, "-i", "-", given=json.dumps({"cephx_secret": key}))
        self._authorize("-n", "osd.0", "--add-key", key)
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", disk)

    @property
    def _keyring(self) -> Path:
        return self._path("keyring")

    def _authorize(self, *arguments: str) -> None:
        run([_program("ceph-authtool"), self._keyring, *arguments], folder=self._folder)

    def _run(self, program: str, *arguments: str | Path, given: str | None = None) -> None:
        run([_program(program), "-c", self._path("ceph.conf"), *arguments], folder=self._folder, given=given)

    def _daemon(self, program: str, *arguments: str) -> Process:
        command: list[str | Path] = [_program(program), "-c", self._path("ceph.conf"), "-f", *arguments]
        return Process(name=program, home=self._home, folder=self._folder, command=command)

    def _configuration(self, cluster: str) -> str:
        settings = self._places(cluster) | STORAGE | FAST | {"osd objectstore": self._store}
        return "[global]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items())

    def _places(self, cluster: str) -> dict[str, object]:
        return {
            "fsid": cluster,
            "mon host": f"v2:127.0.0.1:{self._monitor_port}/0",
            "mon initial members": "a",
            "public addr": "127.0.0.1",
            "cluster addr": "127.0.0.1",
            "ms bind msgr1": "false",
            "rgw frontends": f"beast endpoint=127.0.0.1:{self._port}",
            "keyring": self._keyring,
            "mon data": self._path("mon"),
            "osd data": self._path("osd"),
            "rgw data": self._path("rgw"),
            "run dir": self._path("run"),
            # relative to the working directory: the path of a socket has to be shorter than 108 bytes
            "admin socket": "run/$name.asok",
            "pid file": self._path("run/$name.pid"),
            "log file": self._path("$name.log"),
        }


# one storage daemon, one copy of everything; users are known by cephx, without which the gateway does not start
STORAGE: dict[str, object] = {
    "auth cluster required": "cephx",
    "auth service required": "cephx",
    "auth client required": "cephx",
    "osd pool default size": 1,
    "osd pool default min size": 1,
    "osd pool default pg num": 4,
    "osd pool default pgp num": 4,
    "osd pool default pg autoscale mode": "off",
    "osd crush chooseleaf type": 0,
    "mon allow pool size one": "true",
    "mon max pg per osd": 1000,
    "mon data avail crit": 1,
    "mon data avail warn": 1,
    "memstore device bytes": 8 * GIB,
    "bluestore block size": 10 * GIB,
}

# without these the monitor ponders every change for a second, clients sleep for five, and the bodies of deleted objects
# stay for two hours
FAST: dict[str, object] = {
    "paxos propose interval": 0.02,
    "paxos min wait": 0.01,
    "osd mon report interval": 1,
    # how often a client looks again for a monitor or a storage daemon that is not up yet
    "mon client hunt interval": 0.2,
    "objecter tick interval": 0.2,
    "bluestore debug enforce settings": "ssd",
    "osd memory target": GIB,
    "rgw gc obj min wait": 1,
    "rgw gc processor period": 5,
    "rgw thread pool size": 32,
    "rgw dynamic resharding": "false",
    "rgw override bucket index max shards": 1,
    "rgw enable usage log": "false",
    # for half a minute changes of buckets would else wait for the answer of a gateway that was killed
    "osd client watch timeout": 1,
}


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_PATH)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _program(name: str) -> Path:
    return required(Path("/usr/bin") / name)
