"""A stepped node and its model side by side: every step is done by both, and compared."""

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import note
from sqlalchemy import func, select, update

from services.inbox import begin, finish, reconcile, remove, rename
from services.inbox.errors import InboxError
from shared.broker.delivery import Delivery
from shared.broker.outcomes import Outcome
from shared.broker.unit import Unit
from shared.database.queue_tables import dead_letters, leases, outgoing
from shared.database.statements import DEAD_LETTER_DROP
from shared.database.types import now
from shared.identifiers import FileId
from tests.faults.model.contents import USER, Content
from tests.faults.model.model import Model
from tests.faults.model.observed import check_always, check_quiet, compare
from tests.faults.model.rules import RULES, decide
from tests.faults.model.stepping import Decided, Killed, SteppedNode
from tests.faults.model.values import Message, ModelFile, Plan

LONG_AGO = timedelta(days=30)
"""Longer than any message is put off, and than the patience of the mapper that the tests set."""
MOST = 2000
"""Deliveries until a node must be quiet."""


@dataclass
class Work:
    """A delivery in the hands of a worker, or one that lost a race and is to be decided anew."""

    row: int
    message: Message
    decided: Decided | None = None
    plan: Plan | None = None
    anew: Delivery | None = None


@dataclass
class History:
    """What has happened so far."""

    node: SteppedNode
    model: Model = field(init=False)
    waiting: dict[int, Message] = field(default_factory=dict)
    works: list[Work] = field(default_factory=list)
    newest: int = 0

    def __post_init__(self) -> None:
        self.model = Model(in_store=lambda file: file.id in set(self.node.stores["inbox"].list()))

    # ---- submitters

    def begin(self, path: str, content: Content, *, store: bool) -> ModelFile:
        """Begin an upload; with `store` all its bytes get into the store, but nobody closes it."""
        begun = begin.begin(self.node.inbox, USER, path).file
        self.model.begin(begun.id, path, content)
        file = self.model.files[begun.id]
        if store:
            self.node.stores["inbox"].put(file.id, io.BytesIO(content.upload), len(content.upload))
            file.stored = True
        return file

    def finish(self, file: ModelFile) -> None:
        finish.finish(self.node.inbox, FileId(file.id), len(file.content.upload), {})
        self._sent(self.model.finish(file))

    def reconcile(self) -> None:
        """Let the inbox look for uploads that are whole, as it does after a restart."""
        reconcile.Reconciler(self.node.inbox, patience=timedelta(days=14)).reconcile(now() + timedelta(minutes=5))
        found = [file for file in self.model.files.values() if file.stored]
        self._sent([message for file in found for message in self.model.finish(file)])

    def rename(self, old: str, new: str) -> None:
        action = lambda: rename.rename(self.node.inbox, USER, old, new, replace=True)  # noqa: E731
        self._inbox_action(action, self.model.rename(old, new))

    def remove(self, path: str) -> None:
        self._inbox_action(lambda: remove.remove(self.node.inbox, USER, path), self.model.remove(path))

    def _inbox_action(self, action: Callable[[], None], told: list[Message] | None) -> None:
        try:
            action()
        except InboxError:
            assert told is None
        else:
            assert told is not None
            self._sent(told)

    # ---- messages

    def send(self, message: Message) -> None:
        unit = Unit("central ega")
        unit.send_raw(message.queue, message.body(), message.file, queue=message.queue)
        self.node.commit(unit)
        self._sent([replace(message, sent=self.model.tick())])

    def duplicate(self, row: int) -> None:
        """A message is in its queue twice, with one id."""
        with self.node.database.write() as connection:
            values = connection.execute(select(outgoing).where(outgoing.c.id == row)).one()._asdict()
            del values["id"]
            connection.execute(outgoing.insert(), values)
        # a copy of a message that was put off was delivered before, but not the row that it is in now
        self._sent([replace(self.waiting[row], again=values["attempt"] > 0)])

    def grow_old(self, row: int) -> None:
        """All time that a message may wait is over."""
        with self.node.database.write() as connection:
            values = {"first_seen": now() - LONG_AGO}
            connection.execute(update(outgoing).where(outgoing.c.id == row).values(**values))
        self.waiting[row] = replace(self.waiting[row], sent=-1, old=True)

    def replay(self) -> None:
        """Send all dead letters again."""
        unit, sent = Unit("staff"), []
        with self.node.database.read() as connection:
            for letter in connection.execute(select(dead_letters)):
                unit.send_raw(letter.queue, letter.body, letter.correlation_id, queue=letter.queue)
                unit.add(DEAD_LETTER_DROP, dead_letter=letter.id)
        self.node.commit(unit)
        sent = [replace(letter, sent=self.model.tick(), again=False, old=False) for letter in self.model.dead]
        self.model.dead.clear()
        self._sent(sent)

    # ---- deliveries

    @property
    def free(self) -> list[int]:
        """Rows that a service may take."""
        taken = {work.row for work in self.works}
        return [row for row, message in self.waiting.items() if row not in taken and message.queue in RULES]

    def take(self, row: int) -> Work:
        """A worker takes a message and decides it."""
        work = Work(row, self.waiting[row])
        self._decide(work, lambda: self.node.deliver(row))
        self.works.append(work)
        return work

    def _decide(self, work: Work, act: Callable[[], Decided]) -> None:
        work.plan = decide(self.model, work.message)
        note(f"   {work.row}: {work.message} -> {work.plan.outcome}")
        work.decided = act()
        assert work.decided.outcome == work.plan.outcome, (work.message, work.decided.outcome, work.plan.outcome)

    def go_on(self, work: Work) -> None:
        """Commit what was decided, or decide anew what lost a race."""
        if work.anew is not None:
            anew, work.anew = work.anew, None
            self._decide(work, lambda: self.node.decide(anew))
            return
        assert work.plan is not None
        assert work.decided is not None
        work.anew = self.node.settle(work.decided)
        won = self.model.commit(work.plan)
        assert won == (work.anew is None), work.message
        if won:
            self.works.remove(work)
            del self.waiting[work.row]
            self._sent(work.plan.sent)
        else:
            self.model.abandon(work.plan)
            work.message = replace(work.message, again=True)

    def lose(self, work: Work) -> None:
        """The database is away when it should commit."""
        assert work.decided is not None
        self.node.lose(work.decided)
        self.works.remove(work)
        self.waiting[work.row] = replace(self.waiting[work.row], again=True)

    # ---- the process

    def crash(self) -> None:
        """The process is killed, and started again."""
        self.node.restart()
        self.works.clear()
        self.waiting = {row: replace(message, again=True) for row, message in self.waiting.items()}

    def die(self, row: int, requests: int) -> None:
        """The process is killed while it handles a message, after so many requests to the stores."""
        message, before = self.waiting[row], self.leased()
        note(f"   {row}: {message} is the last")
        try:
            with self.node.dying(requests):
                self.node.deliver(row)
        except Killed:
            pass
        if self.leased() - before:
            # it died with a lease, so what the lease came with is done
            decide(self.model, message)
        self.crash()

    def leased(self) -> set[tuple[str, str]]:
        with self.node.database.read() as connection:
            return {(row.name, row.token) for row in connection.execute(select(leases))}

    def expire_leases(self) -> None:
        """So much time has passed that nobody renews what dead workers held; those at work are too slow."""
        with self.node.database.write() as connection:
            connection.execute(update(leases).values(expires_at=now() - LONG_AGO))
        for file in self.model.files.values():
            if file.lease is not None:
                file.lease.expired = True

    # ---- comparisons

    def _sent(self, messages: list[Message]) -> None:
        """Note what went out, which must be these messages."""
        with self.node.database.read() as connection:
            rows = connection.execute(select(outgoing).where(outgoing.c.id > self.newest).order_by(outgoing.c.id)).all()
        found = {row.id: Message.read(row.queue, row.correlation_id, row.body) for row in rows}
        wanted = Counter(messages)
        assert Counter(found.values()) == wanted, f"sent {list(found.values())}, but {messages} in the model"
        for message in messages:
            row = next(row for row, same in found.items() if same == message)
            self.waiting[row] = message
            self.newest = max(self.newest, row)
            del found[row]

    def check(self) -> None:
        """Compare node and model at this moment."""
        compare(self.model, self.node.database)
        check_always(self.model, self.node.database, self.node.stores)

    def end(self) -> None:
        """Let everything come to an end, and compare what is left."""
        self.crash()
        self._drain()
        for row in self.free:
            self.grow_old(row)
        self._drain()
        self.check()
        check_quiet(self.model, self.node.stores)
        with self.node.database.read() as connection:
            left = connection.scalar(select(func.count()).select_from(outgoing))
        assert left == len(self.waiting)
        assert {message.queue for message in self.waiting.values()} <= {"completed", "error"}

    def deliver(self, row: int) -> Outcome:
        """Take a message, decide it and commit."""
        work = self.take(row)
        self.go_on(work)
        assert work.plan is not None
        return work.plan.outcome

    def _drain(self) -> None:
        """Deliver until all that is left has to wait."""
        self.expire_leases()
        for _ in range(MOST):
            outcomes = {self.deliver(row) for row in self.free}
            if outcomes <= {Outcome.NOT_YET}:
                return
        raise AssertionError("the node does not come to rest")
