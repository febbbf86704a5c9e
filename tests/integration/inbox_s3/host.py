"""Inboxes with an S3 front: on SQLite and a folder, on PostgreSQL and an S3 server; alone, or several on one ground."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from shared.access.credentials import CredentialKeeper, S3Credentials
from shared.access.tokens import TokenIssuer
from shared.broker.commit import UnitWriter, to_local_queue
from shared.broker.unit import Unit
from shared.storage.port import ObjectStore
from tests.integration.inbox.host import InboxHost
from tests.stack.handles import S3Server

SECRET = "a secret of a node, long enough for it"
MIB = 1024 * 1024


@dataclass
class Replicas:
    """Several inboxes on the same database and store; the first one is asked what became of the uploads."""

    hosts: Sequence[InboxHost]
    token_key: bytes
    certificate: Path | None = None
    keeper: CredentialKeeper = field(default_factory=lambda: CredentialKeeper(SECRET))

    @property
    def first(self) -> InboxHost:
        return self.hosts[0]

    @property
    def endpoints(self) -> list[str]:
        scheme = "https" if self.certificate else "http"
        return [f"{scheme}://127.0.0.1:{host.s3.address[1]}" for host in self.hosts if host.s3 is not None]

    @property
    def endpoint(self) -> str:
        return self.endpoints[0]

    def credentials(self, user: str, ttl: timedelta = timedelta(hours=1)) -> S3Credentials:
        """Issue credentials to a user, who is made if he is not there."""
        with self.first.database.read() as connection:
            known = connection.exec_driver_sql("SELECT name FROM users").scalars().all()
        if user not in known:
            self.first.add_user(user, None)
        unit = Unit("test")
        issued = self.keeper.issue(unit, user, ttl)
        UnitWriter(self.first.database, to_local_queue).write([unit])
        return issued

    def token(self, user: str, ttl: timedelta = timedelta(hours=1)) -> str:
        return TokenIssuer(self.token_key).issue(user, ttl)

    def states(self, path: str) -> list[str]:
        return [state for state, _, _ in self.first.files(path)]

    def objects(self) -> list[str]:
        """Keys of all that is in the store."""
        return list(self.first.store.list())


@dataclass(frozen=True)
class Terrain:
    """Where inboxes are started."""

    database_url: str
    store: ObjectStore
    server: S3Server | None
    folder: Path
    host_key: Path
    token_key: bytes

    @contextmanager
    def inboxes(
        self, count: int = 1, certificate: tuple[Path, Path] | None = None, **options: Any
    ) -> Iterator[Replicas]:
        """Start inboxes side by side; `certificate` and its key make them speak TLS."""
        token_file = self.folder / "token.pem"
        token_file.write_bytes(self.token_key)
        options = {"s3_address": "127.0.0.1:0", "credentials_secret": SECRET, "token_keys": [token_file], **options}
        if certificate is not None:
            options |= {"s3_certificate": certificate[0], "s3_certificate_key": certificate[1]}
        with ExitStack() as stack:
            hosts = [
                stack.enter_context(
                    InboxHost(self.database_url, self.store, self.host_key, server=self.server, more=options).up()
                )
                for _ in range(count)
            ]
            yield Replicas(hosts, self.token_key, certificate[0] if certificate else None)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
