"""A submitter at the command line: a configuration, a folder for the state, and `strongroom upload`."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minio import Minio

from shared.crypto.keys import PrivateKey, generate
from shared.crypto.streams import decrypt_stream
from tests.e2e.nodes import Answer, run_command
from tests.stack import s3
from tests.stack.handles import S3Server

COMMAND = (sys.executable, "-m", "services.cli")


@dataclass
class Submitter:
    """Uploads to a bucket; `endpoint` may be that of a proxy before the server."""

    folder: Path
    server: S3Server
    bucket: str
    endpoint: str
    key: PrivateKey

    @classmethod
    def of(cls, folder: Path, server: S3Server, bucket: str, endpoint: str | None = None) -> "Submitter":
        made = cls(folder, server, bucket, endpoint or server.endpoint, generate())
        made.configure(server.access_key, server.secret_key)
        return made

    @property
    def config(self) -> Path:
        return self.folder / "upload.json"

    @property
    def environment(self) -> dict[str, str]:
        return {"XDG_STATE_HOME": str(self.folder / "state"), "STRONGROOM_UPLOAD_CONFIG": str(self.config)}

    @property
    def client(self) -> Minio:
        return s3.client(self.server)

    def configure(self, access_key: str, secret_key: str, **more: object) -> None:
        """Write the configuration, in one step, as somebody does who saves a download."""
        content = {
            "endpoint": self.endpoint,
            "access_key": access_key,
            "secret_key": secret_key,
            "session_token": None,
            "bucket": self.bucket,
            "expires": "2099-01-01T00:00:00Z",
            "public_key": self.key.public.pem(),
            **more,
        }
        new = self.config.with_suffix(".new")
        new.write_text(json.dumps(content))
        new.replace(self.config)

    def file(self, name: str, size: int) -> Path:
        """Make a file of random bytes."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
        return path

    def upload(self, *words: str | Path) -> Answer:
        """Run the command in this process."""
        return run_command(["upload", *map(str, words)], self.environment, None)

    def events(self, *words: str | Path) -> list[dict[str, Any]]:
        """Run the command, which must succeed, and return what it tells a program."""
        answer = self.upload(*words, "--json")
        assert answer.returncode == 0, answer.stderr
        return [json.loads(line) for line in answer.stdout.splitlines()]

    def start(self, *words: str | Path) -> "subprocess.Popen[str]":
        """Start the command as a process of its own."""
        return subprocess.Popen(
            [*COMMAND, "upload", *map(str, words)],
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def journals(self) -> list[Path]:
        """The journals of uploads under way."""
        return sorted((self.folder / "state" / "strongroom" / "uploads").glob("*.journal"))

    def parts_sent(self) -> int:
        """How many parts the journals know of."""
        return sum(max(0, path.read_bytes().count(b"\n") - 1) for path in self.journals())

    def object(self, key: str) -> bytes:
        """What lies in the bucket."""
        response = self.client.get_object(self.bucket, key)
        try:
            return response.read()
        finally:
            response.close()

    def decrypted(self, key: str) -> bytes:
        """What the archive reads in the bucket."""
        return decrypted(self.object(key), self.key)

    def unfinished(self) -> int:
        """How many uploads in parts the bucket holds."""
        return len(self.client._list_multipart_uploads(self.bucket).uploads)


def decrypted(sealed: bytes, key: PrivateKey) -> bytes:
    """Open a Crypt4GH file in memory."""
    from io import BytesIO

    plain = bytearray()
    decrypt_stream(_Reader(BytesIO(sealed)), plain.extend, [key])
    return bytes(plain)


class _Reader:
    def __init__(self, source: Any) -> None:
        self._source = source

    def readinto(self, buffer: memoryview, /) -> int:
        count: int = self._source.readinto(buffer)
        return count


def until(reached: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Poll until something is so."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.02)


def end(process: "subprocess.Popen[str]", how: signal.Signals | None = None) -> tuple[int, str, str]:
    """Wait for a process, after a signal if one is given; return its exit code and what it wrote."""
    if how is not None:
        process.send_signal(how)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err
