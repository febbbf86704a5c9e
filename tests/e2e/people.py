"""Submitters and researchers, with the clients that they have."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path
from typing import Any

from tests.e2e.nodes import Node, json_of, succeed, until


class Submitter:
    """A user with an SSH key, and OpenSSH's `sftp`."""

    def __init__(self, node: Node, name: str) -> None:
        self.node = node
        self.name = name
        self.key = node.folder / f"id_{name}"
        if not self.key.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True)
        succeed(node, "users", "add", name, "--ssh-key", f"{self.key}.pub")

    def sftp(self, *commands: str, succeeds: bool = True) -> str:
        """Run a batch of commands of `sftp`."""
        host, port = self.node.sftp
        options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
        command = ["sftp", "-q", "-P", str(port), "-i", str(self.key), *options, "-b", "-", f"{self.name}@{host}"]
        done = subprocess.run(
            command, input="\n".join(commands) + "\n", capture_output=True, text=True, timeout=300, check=False
        )
        assert (done.returncode == 0) == succeeds, (commands, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def put(self, content: bytes, name: str) -> dict[str, Any]:
        """Upload a file and return its row."""
        source = self.node.folder / "to-upload"
        source.write_bytes(content)
        self.sftp(f"put {source} {name}")
        return self.file(name)

    def file(self, name: str) -> dict[str, Any]:
        """Return the newest file of this name."""
        rows = json_of(self.node, "files", "list", "--user", self.name)
        mine = [row for row in rows if row["path"] == name]
        # one that was replaced stays in the list as cancelled
        found: dict[str, Any] = ([row for row in mine if row["state"] != "cancelled"] or mine)[-1]
        return found

    def wait_for(self, name: str, state: str, seconds: float = 60) -> dict[str, Any]:
        """Wait until the newest file of this name is in a state."""

        def reached() -> dict[str, Any] | None:
            row = self.file(name)
            return row if row["state"] == state else None

        found: dict[str, Any] = until(f"{name} to be {state}", reached, seconds)
        return found


class Researcher:
    """A user with a token and a Crypt4GH key pair."""

    def __init__(self, node: Node, name: str) -> None:
        self.node = node
        self.name = name
        succeed(node, "users", "add", name, "--password-stdin", text="a long enough password\n")
        self.token = json_of(node, "users", "token", name)["token"]
        self.pair = node.folder / f"{name.partition('@')[0]}-key"
        if not self.pair.with_suffix(".sec").exists():
            succeed(node, "keys", "generate", str(self.pair))

    @property
    def public_line(self) -> str:
        return self.pair.with_suffix(".pub").read_text().splitlines()[1]

    def get(self, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        """Ask the outbox; return status, body and headers."""
        request = urllib.request.Request(f"{self.node.outbox}{path}")
        request.add_header("Authorization", f"Bearer {self.token}")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read(), _lower(answer.headers)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read(), _lower(refusal.headers)

    def download(self, file: str) -> bytes:
        """Download a file and decrypt it with the stock `crypt4gh` command."""
        status, sealed, _ = self.get(f"/files/{file}", X_C4GH_Public_Key=self.public_line)
        assert status == 200, sealed
        return self.decrypted(sealed)

    def region(self, path: str, target: Path, reference: str, start: int, end: int) -> Path:
        """Fetch a region with the `htsget` command, and decrypt it with the stock `crypt4gh` command."""
        headers = json.dumps({"Htsget-Context-Public-Key": self.public_line})
        where = ["--reference-name", reference, "--start", str(start), "--end", str(end)]
        tool = Path(sys.executable).with_name("htsget")
        command = [str(tool), self.node.outbox + path, *where, "--bearer-token", self.token, "--headers", headers]
        sealed = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
        target.write_bytes(self.decrypted(sealed))
        return target

    def decrypted(self, sealed: bytes) -> bytes:
        """Decrypt with the stock `crypt4gh` command."""
        tool = Path(sys.executable).with_name("crypt4gh")
        command = [str(tool), "decrypt", "--sk", str(self.pair.with_suffix(".sec"))]
        return subprocess.run(command, input=sealed, capture_output=True, check=True, timeout=60).stdout


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
