"""A researcher at the command line: a token, a key pair, and `strongroom download`."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.crypto.keys import write_key_pair
from tests.e2e.nodes import Answer
from tests.integration.outbox.host import READER_KEY, OutboxHost
from tests.integration.transfer.submitter import COMMAND, end


@dataclass
class Researcher:
    """Downloads from an outbox; `url` may be that of a proxy before it."""

    folder: Path
    host: OutboxHost
    url: str

    @classmethod
    def of(cls, folder: Path, host: OutboxHost, url: str | None = None) -> "Researcher":
        made = cls(folder, host, url or host.url)
        write_key_pair(READER_KEY, made.secret, made.public, None)
        made.configure(host.token())
        return made

    @property
    def secret(self) -> Path:
        return self.folder / "reader.sec"

    @property
    def public(self) -> Path:
        return self.folder / "reader.pub"

    @property
    def target(self) -> Path:
        return self.folder / "downloads"

    @property
    def environment(self) -> dict[str, str]:
        return {"STRONGROOM_DOWNLOAD_CONFIG": str(self.folder / "download.json")}

    def configure(self, token: str) -> None:
        (self.folder / "download.json").write_text(json.dumps({"url": self.url, "token": token}))

    def words(self, *words: str | Path, decrypt: bool = True) -> list[str]:
        keys = ["--key", self.secret] if decrypt else ["--public-key", self.public]
        return [str(word) for word in ("download", *words, "--to", self.target, *keys)]

    def download(self, *words: str | Path, decrypt: bool = True) -> Answer:
        """Run the command, in a process of its own: the outbox in this one logs to standard output."""
        return Answer(*end(self.start(*words, decrypt=decrypt)))

    def events(self, *words: str | Path, decrypt: bool = True) -> list[dict[str, Any]]:
        """Run the command, which must succeed, and return what it tells a program."""
        answer = self.download(*words, "--json", decrypt=decrypt)
        assert answer.returncode == 0, answer.stderr + answer.stdout
        return [json.loads(line) for line in answer.stdout.splitlines()]

    def start(self, *words: str | Path, decrypt: bool = True) -> "subprocess.Popen[str]":
        """Start the command as a process of its own."""
        return subprocess.Popen(
            [*COMMAND, *self.words(*words, decrypt=decrypt)],
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def files(self) -> dict[str, bytes]:
        """What lies in the folder of downloads, by path."""
        found = (path for path in self.target.rglob("*") if path.is_file())
        return {str(path.relative_to(self.target)): path.read_bytes() for path in found}

    def pieces_done(self) -> int:
        """How many pieces the journals know of."""
        journals = self.target.rglob("*.journal")
        return sum(max(0, path.read_bytes().count(b"\n") - 1) for path in journals)
