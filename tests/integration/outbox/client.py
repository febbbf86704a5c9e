"""A reader's side: one HTTP request at a time, by the standard library or by curl."""

import base64
import http.client
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.integration.outbox.host import READER_KEY

KEY = base64.b64encode(READER_KEY.public.raw).decode()


@dataclass(frozen=True)
class Answer:
    """Status, headers with lower-case names, and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> tuple[int, str]:
        """Return status and code of a problem, which has to be complete."""
        assert self.headers["content-type"] == "application/problem+json"
        body = self.json
        assert body.keys() == {"title", "status", "detail", "errorCode", "correlationId"}
        assert body["status"] == self.status
        assert body["correlationId"] == self.headers["x-correlation-id"]
        return self.status, body["errorCode"]


@dataclass(frozen=True)
class Client:
    """Asks with a token (None: without) and with the reader's key unless other headers are given."""

    url: str
    token: str | None

    def ask(
        self, path: str, *, method: str = "GET", key: str | None = KEY, body: str | None = None, **headers: str
    ) -> Answer:
        """Send a request; `_` in the names of headers stands for `-`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent["X-C4GH-Public-Key"] = key
        if self.token is not None:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=20)
        try:
            connection.request(method, path, body, headers=sent)
            got = connection.getresponse()
            return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
        finally:
            connection.close()

    def curl(self, path: str, target: Path, *options: str) -> "subprocess.CompletedProcess[str]":
        """Download to a file with curl."""
        headers = ["-H", f"Authorization: Bearer {self.token}", "-H", f"Htsget-Context-Public-Key: {KEY}"]
        command = ["curl", "--silent", "--show-error", "--fail", "--max-time", "60", "-o", str(target)]
        return subprocess.run(
            [*command, *headers, *options, self.url + path], capture_output=True, text=True, timeout=90, check=False
        )
