"""A login service that tests start, on any database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text

from services.cli.folder import new_token_key
from services.login.settings import LoginSettings
from services.login.wiring import assemble
from shared.access.passwords import hash_password
from shared.broker.local import local_node
from shared.crypto.keys import generate, write_key_pair
from shared.database.engine import Database
from shared.database.statements import USER_ADD
from shared.database.tables import files
from shared.database.types import now
from shared.http.server import HttpFront
from shared.identifiers import new_file_id
from shared.lifecycle import Part, running

PASSWORD = "correct horse"
INBOX = "https://inbox.example.org:9443"


@dataclass
class LoginHost:
    """One or more replicas of login on one database; a user `alice` has a password."""

    folder: Path
    database_url: str
    settings: dict[str, Any] = field(default_factory=dict)
    replicas: int = 1
    database: Database = field(init=False)
    parts: list[Part] = field(init=False)
    urls: list[str] = field(init=False)

    @property
    def url(self) -> str:
        return self.urls[0]

    @contextmanager
    def up(self) -> Iterator["LoginHost"]:
        self.database = Database(self.database_url)
        node = local_node(self.database)
        self.parts = [part for _ in range(self.replicas) for part in assemble(node, self._settings()).parts]
        with running([*node.parts, *self.parts]):
            fronts = [part for part in self.parts if isinstance(part, HttpFront)]
            self.urls = ["http://{}:{}".format(*front.address) for front in fronts]
            yield self
        self.database.close()

    def add_user(self, name: str, password: str | None = PASSWORD) -> None:
        hashed = hash_password(password, rounds=4) if password else None
        with self.database.write() as connection:
            USER_ADD.run(connection, [{"name": name, "password_hash": hashed, "at": now()}])

    def add_file(self, user: str, path: str, state: str, *, error: str | None = None, **more: Any) -> None:
        row = {"id": new_file_id(), "user": user, "path": path, "state": state, "error": error}
        times: dict[str, datetime] = {"registered_at": now(), "changed_at": now()}
        with self.database.write() as connection:
            connection.execute(insert(files), {**row, **times, **more})

    def execute(self, statement: str, **values: Any) -> None:
        with self.database.write() as connection:
            connection.execute(text(statement), values)

    def rows(self, query: str, **values: Any) -> list[Any]:
        with self.database.read() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def _settings(self) -> LoginSettings:
        key, public = self.folder / "login.pem", self.folder / "archive.pub"
        if not key.exists():
            key.write_bytes(new_token_key())
            write_key_pair(generate(), self.folder / "archive.sec", public, None)
        fixed = {"login_address": "127.0.0.1:0", "login_token_keys": (key,), "login_archive_key": public}
        return LoginSettings(**{**fixed, "credentials_secret": "s" * 32, "inbox_url": INBOX, **self.settings})
