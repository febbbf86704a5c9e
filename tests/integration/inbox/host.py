"""An inbox that tests start, stop and look into."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import text

from services.inbox.front import SftpFront
from services.inbox.reconcile import Reconciler
from services.inbox.settings import InboxSettings
from services.inbox.wiring import parts
from shared.access.passwords import hash_password
from shared.access.users import normal_ssh_key
from shared.broker.local import local_node
from shared.database.engine import Database
from shared.database.statements import USER_ADD, USER_ADD_KEY
from shared.database.types import now
from shared.http.server import HttpFront
from shared.lifecycle import running
from shared.messages.operations import Cleanup
from shared.storage.directory import DirectoryStore
from shared.storage.errors import UploadMissing
from shared.storage.port import ObjectStore, Part
from shared.storage.s3 import S3Store
from shared.storage.settings import S3Settings, open_store
from tests.stack.handles import S3Server

PASSWORDS = {"alice": "correct horse", "bob@example.org": "battery staple"}


@dataclass
class InboxHost:
    """A node with an inbox on any database and store; its messages stay in `outgoing`, since nobody consumes them."""

    database_url: str
    store: ObjectStore
    host_key: Path
    host: str = "127.0.0.1"
    port: int = 0
    server: S3Server | None = None
    more: dict[str, Any] = field(default_factory=dict)
    """more settings; with `s3_address` there is an S3 front"""
    database: Database = field(init=False)
    front: SftpFront = field(init=False)
    s3: HttpFront | None = field(init=False)
    reconciler: Reconciler = field(init=False)
    _stack: ExitStack = field(init=False)

    def start(self) -> None:
        self.database = Database(self.database_url)
        node = local_node(self.database)
        settings = InboxSettings(
            inbox="dir:/unused",
            sftp_address=f"{self.host}:{self.port}",
            sftp_host_key=self.host_key,
            **_account(self.server),
            **self.more,
        )
        made = parts(node, settings, self.store)
        assert made.sftp is not None
        self.front, self.s3, self.reconciler = made.sftp, made.s3, made.reconciler
        self._stack = ExitStack()
        self._stack.callback(self.database.close)
        self._stack.enter_context(running([*node.parts, *(part for part in made.all if part is not made.reconciler)]))
        self.host, self.port = self.front.address

    def stop(self) -> None:
        self._stack.close()

    def restart(self) -> None:
        self.stop()
        self.start()

    @contextmanager
    def up(self) -> Iterator["InboxHost"]:
        self.start()
        try:
            yield self
        finally:
            self.stop()

    @property
    def open_uploads(self) -> int:
        return len(self.reconciler._inbox.uploads.all())

    def stored_parts(self) -> list[Part]:
        """Parts of the one unfinished upload."""
        begun = self.rows("SELECT CAST(file_id AS text), upload_id FROM uploads WHERE upload_id IS NOT NULL")
        return [part for file_id, upload_id in begun for part in self._parts(_hyphenated(file_id), upload_id)]

    def _parts(self, file_id: str, upload_id: str) -> list[Part]:
        try:
            return self.store.list_parts(file_id, upload_id)
        except UploadMissing:
            return []

    def add_user(self, name: str, key: Path | None, password: str | None = None) -> None:
        hashed = hash_password(password, rounds=4) if password else None
        with self.database.write() as connection:
            USER_ADD.run(connection, [{"name": name, "password_hash": hashed, "at": now()}])
            if key is not None:
                public = normal_ssh_key(key.with_suffix(".pub").read_text(encoding="ascii"))
                USER_ADD_KEY.run(connection, [{"user": name, "ssh_key": public}])

    def disable(self, name: str) -> None:
        with self.database.write() as connection:
            connection.execute(text("UPDATE users SET enabled = 0 WHERE name = :name"), {"name": name})

    def rows(self, query: str, **values: Any) -> list[Any]:
        with self.database.read() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def files(self, path: str) -> list[Any]:
        """State, size and presence of all files that ever had this path, the eldest first."""
        return self.rows(
            "SELECT state, size, inbox_location IS NOT NULL FROM files WHERE path = :path ORDER BY registered_at",
            path=path,
        )

    def current_id(self, path: str) -> str:
        [(file_id,)] = self.rows(
            "SELECT CAST(id AS text) FROM files WHERE path = :path AND inbox_location IS NOT NULL", path=path
        )
        return _hyphenated(str(file_id))

    def digests(self, path: str) -> dict[str, str]:
        return dict(
            self.rows(
                "SELECT c.algorithm, c.value FROM checksums c JOIN files f ON f.id = c.file_id "
                "WHERE f.path = :path AND f.inbox_location IS NOT NULL AND c.source = 'uploaded' "
                "ORDER BY c.algorithm DESC",
                path=path,
            )
        )

    def messages(self) -> list[str]:
        """Bodies of the messages on the inbox queue, in the order in which they were sent."""
        return [body for (body,) in self.rows("SELECT body FROM outgoing WHERE routing_key = 'inbox' ORDER BY id")]

    def cleanups(self) -> list[str]:
        bodies = self.rows("SELECT body FROM outgoing WHERE routing_key = 'cleanup' ORDER BY id")
        return [file_id for (body,) in bodies for file_id in Cleanup.model_validate_json(body).file_ids]

    def stored_sha256(self, path: str) -> str:
        """Digest of the object of the current file, read from the store."""
        digest, buffer = hashlib.sha256(), bytearray(1 << 20)
        with self.store.open(self.current_id(path)) as body:
            while count := body.readinto(memoryview(buffer)):
                digest.update(buffer[:count])
        return digest.hexdigest()


def _hyphenated(text_form: str) -> str:
    plain = text_form.replace("-", "")
    return "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))


def _account(server: S3Server | None) -> dict[str, Any]:
    if server is None:
        return {}
    return {"s3_endpoint": server.endpoint, "s3_access_key": server.access_key, "s3_secret_key": server.secret_key}


def directory(folder: Path) -> DirectoryStore:
    return DirectoryStore(folder, name="inbox")


def bucket_of(server: S3Server, bucket: str) -> S3Store:
    account = S3Settings(
        endpoint=server.endpoint,
        access_key=SecretStr(server.access_key),
        secret_key=SecretStr(server.secret_key),
    )
    store = open_store(f"s3://{bucket}", account, threads=32)
    assert isinstance(store, S3Store)
    return store
