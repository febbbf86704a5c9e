"""MinIO, the S3 server of the compose file, built from source by `install.sh`."""

import os
import re
from functools import cached_property
from pathlib import Path

from tests.stack.handles import S3Server
from tests.stack.ports import free_ports
from tests.stack.process import Home, Process, required
from tests.stack.s3 import lists_buckets
from tests.stack.server import Server


class MinioServer(Server[S3Server]):
    """One MinIO process with one data folder."""

    name = "minio"

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self._port, self._console_port = free_ports(2)

    @property
    def handle(self) -> S3Server:
        """Endpoint and root credentials."""
        return S3Server(endpoint=f"http://127.0.0.1:{self._port}", access_key="tests", secret_key=self.password)

    @cached_property
    def _front(self) -> Process:
        addresses = ["--address", f"127.0.0.1:{self._port}", "--console-address", f"127.0.0.1:{self._console_port}"]
        environment = {
            "MINIO_ROOT_USER": self.handle.access_key,
            "MINIO_ROOT_PASSWORD": self.handle.secret_key,
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
        }
        command: list[str | Path] = [required(binary()), "server", "--quiet", *addresses, self._path("data")]
        return Process(name="minio", home=self._home, folder=self._folder, command=command, environment=environment)

    def _prepare(self) -> None:
        self._path("data").mkdir()

    def _answers(self) -> bool:
        return lists_buckets(self.handle)


def binary() -> Path:
    """Give the path where `install.sh` keeps the binary of its pin."""
    script = Path(__file__).with_name("install.sh").read_text(encoding="utf-8")
    pin = re.search(r"^MINIO_PIN=(\S+)$", script, re.MULTILINE)
    assert pin, "install.sh names no MINIO_PIN"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "strongroom" / f"minio-{pin[1]}"
