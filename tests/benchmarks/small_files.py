"""Small files through the whole pipeline, against the floor of the same run; what each file costs."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.benchmarks.central import MESSAGES, CentralEga
from tests.benchmarks.floor import laid
from tests.benchmarks.ground import BenchNode, bench_node
from tests.benchmarks.measure import FILES, Amount, Figures, Ratio, Spread, quotients, rounds
from tests.benchmarks.statements import StatementCounter

SERVICES = ("ingest", "verify", "finalize")
SERVERS = ("minio", "postgres", "rabbitmq")
METHOD = f"""\
{FILES} files of 64 KiB, each encrypted with a key of its own, wait in the inbox. All are triggered at once, and the
clock stops at the last `completed` message; servers, services and the driver share the machine. The floor is a script
without any of our code that does the least with the same servers: for each file and step it moves the bytes, commits
one transaction (an UPDATE and an INSERT), publishes one message with a confirm and acknowledges one delivery, one
after the other in eight processes. CPU time is that of the processes and all their children as the kernel counts it;
statements and transactions are PostgreSQL's own count, requests and messages the services' metrics.
"""
LIMITS = {"statements": 4.0, "transactions": 1.0, "store requests": 6.0, "messages": 5.0}


@dataclass(frozen=True)
class Passage:
    """What a repetition gave: files per second, and per file CPU time (ms, by process) and counts (by name)."""

    rate: float
    cpu: dict[str, float]
    counts: dict[str, float]

    @property
    def whole_cpu(self) -> float:
        return sum(self.cpu.values())


def run() -> Figures:
    """Send the same number of files through the pipeline and over the floor, in turn."""
    with bench_node() as node:
        counter = StatementCounter(node.ground.servers.postgres, node.ground.database)
        taken = rounds({"pipeline": lambda: _pipeline(node, counter), "floor": lambda: _floor(node)})
    pipeline, floor = taken["pipeline"], taken["floor"]
    return Figures(
        title="Small files",
        method=METHOD,
        ratios=[
            Ratio(
                name="files per second, of the floor",
                spread=quotients([one.rate for one in pipeline], [one.rate for one in floor]),
                target=1.0,
            ),
            Ratio(
                name="CPU time of a file, of the floor",
                spread=quotients([one.whole_cpu for one in pipeline], [one.whole_cpu for one in floor]),
                at_most=True,
            ),
        ],
        amounts=[
            *_amounts("", pipeline),
            *_amounts("floor: ", floor),
        ],
    )


def _amounts(of: str, passages: list[Passage]) -> Iterator[Amount]:
    yield Amount(name=f"{of}files", unit="1/s", spread=Spread.of([one.rate for one in passages]))
    for name in passages[0].counts:
        spread = Spread.of([one.counts[name] for one in passages])
        yield Amount(name=f"{of}{name}", unit="per file", spread=spread, limit=LIMITS.get(name))
    yield Amount(name=f"{of}CPU, all", unit="ms per file", spread=Spread.of([one.whole_cpu for one in passages]))
    for name in passages[0].cpu:
        yield Amount(name=f"{of}CPU, {name}", unit="ms per file", spread=Spread.of([one.cpu[name] for one in passages]))


def _pipeline(node: BenchNode, counter: StatementCounter) -> Passage:
    files = node.inbox.put_small(FILES)
    with CentralEga(node.broker) as central:
        cpu, counts = _cpu(node, *SERVICES, *SERVERS), _counts(node, counter)
        seconds = central.send_through(files)
        cpu_after, counts_after = _cpu(node, *SERVICES, *SERVERS), _settled(lambda: _counts(node, counter))
    per_file = _per_file(counts, counts_after)
    return Passage(FILES / seconds, _per_file(cpu, cpu_after), per_file | {"messages": per_file["messages"] + MESSAGES})


def _floor(node: BenchNode) -> Passage:
    with laid(node.ground.servers, FILES) as floor:
        cpu = _cpu(node, *SERVERS) | {"script": floor.cpu_seconds * 1000}
        seconds = floor.send_through(floor.files)
        cpu_after = _cpu(node, *SERVERS) | {"script": floor.cpu_seconds * 1000}
    return Passage(FILES / seconds, _per_file(cpu, cpu_after), {})


def _cpu(node: BenchNode, *names: str) -> dict[str, float]:
    return {name: node.cpu_seconds(name) * 1000 for name in names}


def _counts(node: BenchNode, counter: StatementCounter) -> dict[str, float]:
    def total(metric: str) -> float:
        return sum(node.sample(service, metric) for service in SERVICES)

    return {
        **counter.counts(),
        "store requests": total("strongroom_store_requests_total"),
        "messages": total("strongroom_published_total"),
    }


def _settled(read: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Read until nothing is published any more: the last confirms come behind the last message."""
    counts, before = read(), None
    while before is None or counts["messages"] != before["messages"]:
        time.sleep(0.5)
        before, counts = counts, read()
    return counts


def _per_file(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: (after[name] - before[name]) / FILES for name in before}
