"""Send messages, kill their consumers at moments spread over the whole work, and count what was acted on."""

import multiprocessing
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.process import BaseProcess

from sqlalchemy import func, select

from shared.broker.unit import Unit
from shared.database.records import File
from shared.database.tables import events
from tests.contract.broker.kit import SERVICE, Flow
from tests.faults.load.load import pass_time, until
from tests.faults.messages.worker import REFUSED, work

MESSAGES = 10_000
PORTION = 1000
SEED = 20
AT_ONCE = 0.2
"""Share of processes that are killed again before they have done much."""

# what a process imports is imported once, before it is forked
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([work.__module__, "sqlalchemy.dialects.sqlite.pysqlite", "psycopg"])


@dataclass
class Battue:
    """A flow with messages, and the processes that consume them."""

    flow: Flow
    file: File
    broker_url: str | None
    kills: int = 0
    _running: list[BaseProcess] = field(default_factory=list)
    _chance: random.Random = field(default_factory=lambda: random.Random(SEED))

    def send(self) -> None:
        """Send all messages, through the table of those that are owed."""
        for start in range(0, MESSAGES, PORTION):
            unit = Unit(SERVICE)
            for number in range(start, start + PORTION):
                unit.send_raw("ingest", str(number), self.file.id)
            self.flow.commit(unit)

    def kill_all_along(self, times: int) -> None:
        """Kill a process whenever the work has come to the next of some random points."""
        points = sorted(self._chance.randrange(len(_expected())) for _ in range(times))
        for point in points:
            until(f"{point} acts", partial(self._has_come_to, point))
            self._replace_one()
            if self._chance.random() < AT_ONCE:
                pass_time(self._chance.random() / 2)
                self._replace_one()

    def _has_come_to(self, point: int) -> bool:
        return self.acts() >= point

    def acts(self) -> int:
        """Count what was done."""
        with self.flow.database.read() as connection:
            return connection.scalar(select(func.count()).where(events.c.file_id == self.file.id)) or 0

    def in_flight(self) -> int:
        """Count the messages that have not come to their end."""
        ends = sum(count for act, count in self._done().items() if not act.startswith("first"))
        return MESSAGES - ends

    def lost_and_doubled(self) -> tuple[int, int]:
        """Count the acts that are missing, and those that were done more than once."""
        done = self._done()
        assert done.keys() <= _expected()
        return len(_expected() - done.keys()), sum(count > 1 for count in done.values())

    def seconds_until_the_next_act(self) -> float:
        begun, before = time.monotonic(), self.acts()
        until("the work to go on", lambda: self.acts() > before)
        return time.monotonic() - begun

    def start(self) -> None:
        """Start one more process."""
        url = self.flow.database.url.render_as_string(hide_password=False)
        process = _PROCESSES.Process(target=work, args=(url, self.broker_url, self.file), daemon=True)
        process.start()
        self._running.append(process)

    def end(self) -> None:
        """Kill what runs."""
        while self._running:
            self._kill(self._running.pop())

    def _replace_one(self) -> None:
        self._kill(self._running.pop(self._chance.randrange(len(self._running))))
        self.kills += 1
        self.start()

    def _kill(self, process: BaseProcess) -> None:
        process.kill()
        process.join(30)
        assert process.exitcode == -signal.SIGKILL
        process.close()

    def _done(self) -> Counter[str]:
        query = select(events.c.event, events.c.reason).where(events.c.file_id == self.file.id)
        with self.flow.database.read() as connection:
            return Counter(
                f"{row.event} {row.reason}" if row.reason else row.event for row in connection.execute(query)
            )


@contextmanager
def battue(flow: Flow, *, processes: int, broker_url: str | None = None) -> Iterator[Battue]:
    """Yield a flow with all messages on their way and so many processes that consume them."""
    running = Battue(flow, flow.register(), broker_url)
    running.send()
    try:
        for _ in range(processes):
            running.start()
        yield running
    finally:
        running.end()


def _expected() -> set[str]:
    ends = (f"error {n}" if n % 10 == REFUSED else f"second {n}" for n in range(MESSAGES))
    return {f"first {n}" for n in range(MESSAGES)} | set(ends)
