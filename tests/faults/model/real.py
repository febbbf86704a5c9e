"""All services of the pipeline on RabbitMQ, PostgreSQL and MinIO, in this process, and the model beside them."""

import io
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select

from services.cli import registry
from services.inbox import begin, finish, remove, rename
from services.inbox.errors import InboxError
from services.inbox.inbox import Inbox
from services.inbox.open_uploads import OpenUploads
from shared.broker.node import Node
from shared.broker.outcomes import Outcome
from shared.broker.real import RealSettings, real_node
from shared.broker.unit import Unit
from shared.database.queue_tables import dead_letters
from shared.database.statements import DEAD_LETTER_DROP
from shared.lifecycle import running
from shared.settings import Settings
from tests.contract.broker.kit import eventually
from tests.contract.broker.real import RealFlow
from tests.faults.model.contents import USER, Content
from tests.faults.model.model import Model
from tests.faults.model.observed import Stores, check_always, check_quiet, compare
from tests.faults.model.rules import decide
from tests.faults.model.values import Message, ModelFile

SERVICES = ("intercept", "ingest", "verify", "finalize", "mapper")
QUEUES = ("from_cega", "ingest", "archived", "accession", "mappings", "cleanup")
REST_SECONDS = 30.0


@dataclass
class RealHistory:
    """What happened on the real stack; after each action both sides come to rest, and are compared.

    `settings` are those of the services by name; `told` is what went out to Central EGA.
    """

    flow: RealFlow
    stores: Stores
    settings: dict[str, Any]
    model: Model = field(init=False)
    waiting: list[Message] = field(default_factory=list)
    told: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.model = Model(in_store=lambda file: file.id in set(self.stores["inbox"].list()))
        self._running = ExitStack()
        self.start()

    # ---- the node

    def start(self) -> None:
        url = self.flow.database.url.render_as_string(hide_password=False)
        flow = {"not_yet_seconds": (0.1,), "workers": 2}
        node = self._running.enter_context(
            real_node(RealSettings(database_url=url, broker_url=self.flow.url, **flow))  # type: ignore[arg-type]
        )
        parts = [part for service in SERVICES for part in self._assembled(service, node)]
        self._running.enter_context(running([*node.parts, *parts]))
        eventually(lambda: all(part.connected for part in parts if hasattr(part, "connected")))
        self.inbox = Inbox(node.database, node.committer, self.stores["inbox"], OpenUploads(8))

    def stop(self) -> None:
        self._running.close()

    def _assembled(self, service: str, node: Node) -> Iterator[Any]:
        kind: type[Settings] = registry.settings_of(service)
        values = {name: value for name, value in self.settings.items() if name in kind.model_fields}
        yield from registry.assemble(service, node, kind(**values)).parts

    # ---- actions

    def upload(self, path: str, content: Content) -> None:
        begun = begin.begin(self.inbox, USER, path).file
        self.model.begin(begun.id, path, content)
        self.stores["inbox"].put(begun.id, io.BytesIO(content.upload), len(content.upload))
        finish.finish(self.inbox, begun.id, len(content.upload), {})
        self.waiting += self.model.finish(self.model.files[begun.id])

    def rename(self, old: str, new: str) -> None:
        told = self.model.rename(old, new)
        try:
            rename.rename(self.inbox, USER, old, new, replace=True)
        except InboxError:
            assert told is None
        self.waiting += told or []

    def remove(self, path: str) -> None:
        told = self.model.remove(path)
        try:
            remove.remove(self.inbox, USER, path)
        except InboxError:
            assert told is None
        self.waiting += told or []

    def send(self, message: Message, *, times: int = 1) -> None:
        """Publish a message as Central EGA does, perhaps several times with one id: only one of them counts."""
        message_id = str(uuid.uuid4())
        for _ in range(times):
            body = message.body().encode()
            properties = {"correlation_id": message.file, "message_id": message_id, "delivery_mode": 2}
            self.flow.publish_with(message.queue, body, **properties)
        self.waiting.append(replace(message, sent=self.model.tick()))

    def replay(self) -> None:
        """Send all dead letters again."""
        unit = Unit("staff")
        with self.flow.database.read() as connection:
            for letter in connection.execute(select(dead_letters)):
                unit.send_raw(letter.queue, letter.body, letter.correlation_id, queue=letter.queue)
                unit.add(DEAD_LETTER_DROP, dead_letter=letter.id)
        self.flow.commit(unit)
        self.waiting += self.model.dead
        self.model.dead.clear()

    def pending(self, file: ModelFile) -> bool:
        """Whether an accession id waits for this file: which of two would win is open."""
        return any(message.queue == "accession" and message.file == file.id for message in self.waiting)

    # ---- comparisons

    def rest(self) -> None:
        """Wait until the node has come to rest as the model has."""
        self._settle_model()
        deadline = time.monotonic() + REST_SECONDS
        while True:
            try:
                compare(self.model, self.flow.database, in_order=False)
                check_quiet(self.model, self.stores)
                check_always(self.model, self.flow.database, self.stores)
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return

    def _settle_model(self) -> None:
        ended = {True}
        while True in ended:
            ended = {self._deliver(message) for message in list(self.waiting)}

    def _deliver(self, message: Message) -> bool:
        """Deliver a message in the model; whether it came to an end."""
        self.waiting.remove(message)
        if message.queue not in QUEUES:
            self.told.append(message)
            return True
        # the tests let the mapper wait for nothing
        plan = decide(self.model, replace(message, old=message.queue == "mappings"))
        assert self.model.commit(plan)
        self.waiting += plan.sent
        return plan.outcome is not Outcome.NOT_YET

    def taken(self, queue: str) -> Iterator[Message]:
        """Take all that stands in a queue."""
        with self.flow.channel() as channel:
            while (got := channel.basic_get(queue, auto_ack=True))[0] is not None:
                yield Message.read(queue, got[1].correlation_id, got[2].decode())
