"""All services in one process, on a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.cli import registry
from services.cli.folder import Folder
from shared.broker.local import forget_leases, local_node, locked
from shared.broker.node import Assembly, Node
from shared.database.engine import Database
from shared.health import HealthSettings
from shared.lifecycle import Part, running
from shared.service import health
from shared.settings import Settings


@dataclass(frozen=True)
class Addresses:
    """Where the fronts listen, as HOST:PORT; port 0 takes a free one."""

    sftp: str
    s3: str
    http: str
    login: str
    metrics: str


@dataclass(frozen=True)
class Running:
    """A node that runs: its parts, and what its ready line says."""

    parts: list[Part]
    ready: dict[str, str]


@contextmanager
def embedded_node(root: Path, addresses: Addresses, *, automatic: bool) -> Iterator[Running]:
    """Start a node on a folder, which is made if it is not there; yield when every front answers.

    Raises ConfigurationError if another process holds the folder.
    """
    folder = Folder(root)
    folder.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(folder.root):
        folder.prepare()
        database = Database(folder.database_url)
        try:
            with _started(folder, database, addresses, automatic=automatic) as node:
                yield node
        finally:
            database.close()


@contextmanager
def _started(folder: Folder, database: Database, addresses: Addresses, *, automatic: bool) -> Iterator[Running]:
    node = local_node(database)
    values = _values(folder, addresses)
    assemblies = {name: _assemble(name, node, values) for name in _services(automatic=automatic)}
    work = [*node.parts, forget_leases(node), *(part for assembly in assemblies.values() for part in assembly.parts)]
    with running(work):
        (sftp, s3), (outbox,) = _addresses(assemblies["inbox"]), _addresses(assemblies["outbox"])
        fronts = {"sftp": sftp, "s3": f"http://{s3}", "outbox": f"http://{outbox}"}
        # the pages tell submitters where the inbox is, which is known now
        login = _assemble("login", node, {**values, "inbox_url": fronts["s3"]})
        work += login.parts
        server = health(node, HealthSettings(metrics_address=addresses.metrics), work, [*assemblies.values(), login])
        with running([*login.parts, server]):
            fronts["login"] = f"http://{_addresses(login)[0]}"
            fronts["metrics"] = f"http://{server.address[0]}:{server.address[1]}/metrics"
            folder.keep_addresses(fronts)
            yield Running(work, {"event": "ready", **fronts, "public_key": str(folder.archive_public)})


def _services(*, automatic: bool) -> list[str]:
    """Return the services that start at once; login follows when they listen."""
    left_out = {"login"} if automatic else {"login", "orchestrate"}
    return [name for name in registry.SERVICES if name not in left_out]


def _values(folder: Folder, addresses: Addresses) -> dict[str, Any]:
    return {
        "inbox": folder.store("inbox"),
        "archive": folder.store("archive"),
        "backup": folder.store("backup"),
        "exports": folder.store("exports"),
        "archive_keys": (folder.archive_secret,),
        "sftp_address": addresses.sftp,
        "sftp_host_key": folder.host_key,
        "s3_address": addresses.s3,
        "outbox_address": addresses.http,
        "login_address": addresses.login,
        "login_token_keys": (folder.token_key,),
        "login_archive_key": folder.archive_public,
        "token_keys": (folder.token_key,),
        "credentials_secret": folder.credentials_secret.read_text(encoding="ascii"),
    }


def _assemble(name: str, node: Node, values: dict[str, Any]) -> Assembly:
    kind: type[Settings] = registry.settings_of(name)
    settings = kind(**{field: value for field, value in values.items() if field in kind.model_fields})
    return registry.assemble(name, node, settings)


def _addresses(assembly: Assembly) -> list[str]:
    """Return where the fronts of an assembly listen, in the order of its parts."""
    bound = [part.address for part in assembly.parts if hasattr(part, "address")]
    return [f"{host}:{port}" for host, port in bound]
