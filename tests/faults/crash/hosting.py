"""All services of a node in one process, embedded or real, with their effects numbered."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import services.export.expiry
import services.inbox.digests
import shared.broker.embedded
import shared.broker.intake
import shared.broker.relay
from services.cli import registry
from services.inbox.begin import Begun, begin
from services.inbox.inbox import Inbox
from services.inbox.open_uploads import OpenUploads
from services.inbox.queries import current_file, unfinished_at
from services.inbox.reconcile import Reconciler
from services.inbox.resume import resume
from services.inbox.settings import InboxSettings
from services.inbox.upload import Upload
from shared import logs
from shared.broker.local import local_node
from shared.broker.node import Node
from shared.broker.real import RealSettings, real_node
from shared.broker.settings import FlowSettings
from shared.database.engine import Database
from shared.database.types import now
from shared.lifecycle import Part, Signals, running, wait
from shared.storage.sizes import MIB
from tests.faults.crash.effects import Effects
from tests.faults.crash.task import Task, Wanted

FLOW: dict[str, Any] = {
    "workers": 2,
    "prefetch": 8,
    "lease_seconds": 2,
    "not_yet_seconds": (0.1, 0.3),
    "transient_seconds": (0.1,) * 20,
}
PART = 5 * MIB
"""Bytes of a part of an upload, the least that S3 allows."""


def host(task: Task) -> None:
    """Run a node until a signal comes."""
    logs.configure("crash", level="INFO")
    _hasten()
    Effects(task.log, task.point).number_all()
    with Signals() as signals, _node(task) as node:
        parts = [*node.parts, *_parts(node, task)]
        with running(parts):
            wait(parts, signals)


def _hasten() -> None:
    """Look more often for what other processes wrote, and cut uploads into parts as small as can be."""
    services.export.expiry.PERIOD = 0.05
    shared.broker.embedded.POLL = 0.02
    shared.broker.relay.SWEEP = 0.02
    shared.broker.intake.TICK = 0.02
    services.inbox.digests._GROWTH = ((10_000, PART),)  # type: ignore[assignment]


@contextmanager
def _node(task: Task) -> Iterator[Node]:
    if task.broker_url is None:
        database = Database(task.database_url)
        yield local_node(database, FlowSettings(**FLOW))
        database.close()
        return
    settings = RealSettings(database_url=task.database_url, broker_url=task.broker_url, broker_declare=False, **FLOW)
    with real_node(settings) as node:
        yield node


def _parts(node: Node, task: Task) -> Iterator[Part]:
    for name in task.services:
        kind = registry.settings_of(name)
        settings = kind(**{field: value for field, value in task.values.items() if field in kind.model_fields})
        yield from registry.assemble(name, node, settings).parts
    if task.uploads:
        settings = InboxSettings(
            **{field: value for field, value in task.values.items() if field in InboxSettings.model_fields},
            sftp_host_key=Path("unused"),
        )
        inbox = Inbox(node.database, node.committer, settings.store(settings.inbox), OpenUploads(8))
        yield Submitters(inbox, task.uploads, resumes=task.resumes)


class Submitters:
    """People who upload files, and do it again until they are there; before them the reconciler makes its pass."""

    def __init__(self, inbox: Inbox, wanted: Sequence[Wanted], *, resumes: bool) -> None:
        self._inbox = inbox
        self._wanted = wanted
        self._resumes = resumes
        self._thread = threading.Thread(target=self._run, name="submitters", daemon=True)
        self._done = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._thread.join()

    @property
    def alive(self) -> bool:
        return self._done or self._thread.is_alive()

    def _run(self) -> None:
        Reconciler(self._inbox, patience=timedelta(days=14)).reconcile(now())
        for wanted in self._wanted:
            content = Path(wanted.content).read_bytes()
            if not self._is_there(wanted, len(content)):
                asyncio.run(self._upload(wanted, content))
        self._done = True

    def _is_there(self, wanted: Wanted, size: int) -> bool:
        with self._inbox.database.read() as connection:
            found = current_file(connection, wanted.user, wanted.path)
        return found is not None and found.size == size

    def _begun(self, wanted: Wanted) -> Begun | None:
        """Find an upload to go on with."""
        with self._inbox.database.read() as connection:
            found = unfinished_at(connection, wanted.user, wanted.path)
        return resume(self._inbox, wanted.user, wanted.path) if found and self._resumes else None

    async def _upload(self, wanted: Wanted, content: bytes) -> None:
        begun = self._begun(wanted) or begin(self._inbox, wanted.user, wanted.path)
        upload = Upload(self._inbox, begun)
        while upload.position < len(content):
            await upload.write(upload.position, content[upload.position : upload.position + MIB])
        await upload.finish()
