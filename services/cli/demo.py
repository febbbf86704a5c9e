"""`strongroom demo`: a genome file all the way, with the commands that any user has."""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from services.cli.genome import write_variants
from shared.errors import ConfigurationError, StrongroomError

PATIENCE = 30.0
"""Seconds that a step of the services may take."""


class DemoFailed(StrongroomError):
    """A step of the demonstration did not do what it should."""


def demo() -> None:
    """Show the main job: a genome file goes in by SFTP and comes out re-encrypted, in one process, in a few seconds."""
    if shutil.which("sftp") is None:
        raise ConfigurationError("the demonstration uploads with OpenSSH's sftp: apt-get install openssh-client")
    with tempfile.TemporaryDirectory(prefix="strongroom-demo-") as folder:
        _Story(Path(folder)).tell()


class _Story:
    """The steps, each a method; they share a folder that is removed at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "node"
        self.out = Console(highlight=False)
        self.started = time.monotonic()
        self.ready: dict[str, str] = {}

    def tell(self) -> None:
        with self._node():
            self._make_people()
            self._encrypt()
            self._upload()
            self._ingest()
            self._give_accession()
            self._publish()
            self._download()
            self._decrypt()
            self._look_back()
        self.out.print(
            f"[bold green]Done[/] in {time.monotonic() - self.started:.1f} s: what came out is what went in."
        )

    @contextmanager
    def _node(self) -> Iterator[None]:
        fronts = ("--sftp", "--s3", "--http", "--login", "--metrics")
        ports = [word for front in fronts for word in (front, "127.0.0.1:0")]
        command = [*_SELF, "up", "--embedded", "--data", str(self.data), *ports, "--json"]
        with (self.folder / "node.log").open("w") as log:
            node = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert node.stdout is not None
            self.ready = json.loads(node.stdout.readline() or "{}")
            if not self.ready:
                raise DemoFailed(f"the node did not start: {(self.folder / 'node.log').read_text()[-500:]}")
            self._say("a node runs", f"SFTP {self.ready['sftp']}, outbox {self.ready['outbox']}")
            yield
        finally:
            node.terminate()
            node.wait(PATIENCE)

    def _make_people(self) -> None:
        key = self.folder / "id_ed25519"
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
        self._strongroom("users", "add", "submitter", "--ssh-key", f"{key}.pub")
        _run(*_SELF, "users", "add", "researcher", "--password-stdin", "--data", str(self.data), text=_PASSWORD)
        _run(*_SELF, "keys", "generate", str(self.folder / "researcher"))
        self._say("keys made", "a submitter with an SSH key, a researcher with a Crypt4GH key pair")

    def _encrypt(self) -> None:
        write_variants(self.folder / "nobody.vcf")
        size = (self.folder / "nobody.vcf").stat().st_size
        _run(*_SELF, "encrypt", str(self.folder / "nobody.vcf"), "--to", self.ready["public_key"])
        self._say("file encrypted", f"nobody.vcf, {size:,} bytes of made-up variants, to the archive's key")

    def _upload(self) -> None:
        host, _, port = self.ready["sftp"].rpartition(":")
        known = self.folder / "known_hosts"
        options = (
            "StrictHostKeyChecking=accept-new",
            f"UserKnownHostsFile={known}",
            "BatchMode=yes",
            "LogLevel=ERROR",
        )
        command = ["sftp", "-q", "-P", port, "-i", str(self.folder / "id_ed25519"), "-b", "-"]
        command += [part for option in options for part in ("-o", option)]
        _run(*command, f"submitter@{host}", text=f"put {self.folder / 'nobody.vcf.c4gh'} nobody.vcf.c4gh\n")
        self._say("uploaded", "by OpenSSH's sftp")

    def _ingest(self) -> None:
        self._strongroom("files", "ingest", "submitter", "nobody.vcf.c4gh")
        file = self._wait_for("verified")
        self._say("ingested and verified", f"file id {file['id']}")

    def _give_accession(self) -> None:
        self._strongroom("files", "accession", self._file()["id"], "EGAF00000000001")
        self._wait_for("ready")
        self._say("ready", "accession id EGAF00000000001, with a backup copy that was read back")

    def _publish(self) -> None:
        self._strongroom("datasets", "create", "EGAD00000000001", "EGAF00000000001")
        _until("the dataset to be made", lambda: bool(self._json("datasets", "list")))
        self._strongroom("datasets", "release", "EGAD00000000001")
        self._strongroom("grants", "add", "researcher", "EGAD00000000001")
        _until("the release", lambda: self._json("datasets", "list")[0]["state"] == "released")
        self._say("dataset released", "EGAD00000000001, with a grant for the researcher")

    def _download(self) -> None:
        token = self._json("users", "token", "researcher", "--ttl", "10m")["token"]
        key = (self.folder / "researcher.pub").read_bytes()
        request = urllib.request.Request(f"{self.ready['outbox']}/files/EGAF00000000001")  # noqa: S310 - our own node
        request.add_header("Authorization", f"Bearer {token}")
        request.add_header("X-C4GH-Public-Key", _one_line(key))
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            (self.folder / "download.c4gh").write_bytes(answer.read())
        self._say("downloaded", "re-encrypted to the researcher's key; the archive decrypted nothing on the way")

    def _decrypt(self) -> None:
        secret = str(self.folder / "researcher.sec")
        _run(
            *_SELF, "decrypt", str(self.folder / "download.c4gh"), "--key", secret, "--output", str(self.folder / "out")
        )
        sent, came = (_sha256(self.folder / name) for name in ("nobody.vcf", "out"))
        if sent != came:
            raise DemoFailed(f"the decrypted file differs: {came} came out, {sent} went in")
        self._say("decrypted", f"byte-identical, SHA-256 {sent[:16]}…")

    def _look_back(self) -> None:
        shown = _run(*_SELF, "files", "show", self._file()["id"], "--data", str(self.data))
        self.out.print(shown.rstrip())

    def _say(self, what: str, detail: str) -> None:
        self.out.print(f"[dim]{time.monotonic() - self.started:5.1f} s[/]  [bold]{what}[/]: {detail}")

    def _strongroom(self, *arguments: str) -> str:
        return _run(*_SELF, *arguments, "--data", str(self.data))

    def _json(self, *arguments: str) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self._strongroom(*arguments, "--json"))

    def _file(self) -> dict[str, Any]:
        found: dict[str, Any] = self._json("files", "list")[0]
        return found

    def _wait_for(self, state: str) -> dict[str, Any]:
        def reached() -> bool:
            file = self._file()
            if file["state"] == "error":
                raise DemoFailed(f"the file was refused: {file['error']}")
            return bool(file["state"] == state)

        _until(f"the file to be {state}", reached)
        return self._file()


_SELF = (sys.executable, "-m", "services.cli")
_PASSWORD = "a demonstration only\n"  # noqa: S105 - of a user who lives for seconds


def _run(*command: str, text: str | None = None) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoFailed(f"`{' '.join(command[-6:])}` failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def _until(what: str, reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached():
        if time.monotonic() > deadline:
            raise DemoFailed(f"waited {PATIENCE:.0f} s in vain for {what}")
        time.sleep(0.05)


def _one_line(pem: bytes) -> str:
    """Return the key itself: the base64 text between the lines of the PEM."""
    return b"".join(line for line in pem.splitlines() if not line.startswith(b"-----")).decode("ascii")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
