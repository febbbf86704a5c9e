"""One large file through ingest, verify and finalize: bytes moved through each process, peak memory, CPU time."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared.broker.commit import UnitWriter, to_exchange
from shared.broker.unit import Unit
from shared.database.records import ChecksumSource, File, checksums_of, file_by_id
from shared.database.states import FileState
from shared.identifiers import FileId
from shared.messages.fields import checksums
from shared.messages.ingestion import Accession, IngestTrigger
from tests.benchmarks.ground import BenchNode, bench_node
from tests.benchmarks.measure import BYTES, ROUNDS, Amount, Figures, Ratio, Spread, quotients, seconds
from tests.benchmarks.uploads import HEADER, USER, Inbox, Upload

PATIENCE = 900.0
METHOD = (
    f"A file of {BYTES / 1e9:.1f} GB goes through ingest, verify and finalize, one step after the other. Beside it "
    "the store makes a copy by itself, in the same parts. Bytes moved are those that pass through a process, counted "
    "by its own metrics; CPU time and memory are the kernel's count."
)


@dataclass(frozen=True)
class Step:
    """What a step of the pipeline took; bytes as parts of the file, peak memory in bytes."""

    service: str
    seconds: float
    cpu_seconds: float
    read: float
    written: float
    peak: int


@dataclass(frozen=True)
class Passage:
    """What a repetition gave."""

    own_copy: float
    steps: list[Step]


def run() -> Figures:
    """Send a file through, several times."""
    with bench_node() as node:
        passages = [_passage(node, number) for number in range(ROUNDS)]
    copies = [passage.own_copy for passage in passages]
    ingests = [passage.steps[0].seconds for passage in passages]
    ratio = Ratio(name="ingest, of the store's own copy", spread=quotients(copies, ingests), target=0.9)
    steps = zip(*(passage.steps for passage in passages), strict=True)
    return Figures(
        title="A large file",
        method=METHOD,
        ratios=[ratio],
        amounts=[amount for same in steps for amount in _amounts(list(same))],
    )


def _amounts(steps: list[Step]) -> Iterator[Amount]:
    service = steps[0].service
    per_gb = 1e9 / BYTES

    def amount(name: str, unit: str, values: list[float]) -> Amount:
        return Amount(name=f"{service}: {name}", unit=unit, spread=Spread.of(values))

    yield amount("rate", "MB/s", [BYTES / step.seconds / 1e6 for step in steps])
    yield amount("CPU", "s per GB", [step.cpu_seconds * per_gb for step in steps])
    yield amount("read", "of the file", [step.read / BYTES for step in steps])
    yield amount("written", "of the file", [step.written / BYTES for step in steps])
    yield amount("peak memory", "MiB", [step.peak / (1 << 20) for step in steps])


def _passage(node: BenchNode, number: int) -> Passage:
    inbox = Inbox(node.database, node.store("inbox"), to_exchange, node.archive_key)
    upload = inbox.put_large(BYTES)
    own = seconds(lambda: _own_copy(node, upload))
    trigger = IngestTrigger(type="ingest", user=USER, filepath=f"{USER}/{upload.path}")
    steps = [
        _step(node, "ingest", upload.id, FileState.ARCHIVED, trigger),
        _step(node, "verify", upload.id, FileState.VERIFIED),
    ]
    with node.database.read() as connection:
        plain = checksums(checksums_of(connection, upload.id)[ChecksumSource.PLAIN])
    accession = Accession(
        user=USER, filepath=f"{USER}/{upload.path}", accession_id=f"bench-{number}", decrypted_checksums=plain
    )
    steps.append(_step(node, "finalize", upload.id, FileState.READY, accession))
    for name in ("inbox", "archive", "backup"):
        node.store(name).delete(upload.id)
    return Passage(own, steps)


def _own_copy(node: BenchNode, upload: Upload) -> None:
    archive = node.store("archive")
    archive.copy_range(node.store("inbox"), upload.id, HEADER, upload.size - HEADER, "own")
    archive.delete("own")


def _step(node: BenchNode, service: str, file: FileId, goal: FileState, message: Any = None) -> Step:
    """Send what starts a step, if it is not under way by itself, and wait for its goal."""
    before, started = _counters(node, service), time.monotonic()
    if message is not None:
        unit = Unit("bench")
        unit.send(message, file)
        UnitWriter(node.database, to_exchange).write([unit])
    while (now := _file(node, file)).state is not goal:
        assert now.state is not FileState.ERROR, now.error
        assert time.monotonic() - started < PATIENCE, f"{service} takes too long"
        time.sleep(0.02)
    duration = time.monotonic() - started
    cpu, read, written = (after - b for after, b in zip(_counters(node, service), before, strict=True))
    return Step(service, duration, cpu, read, written, node.peak_memory(service))


def _counters(node: BenchNode, service: str) -> tuple[float, float, float]:
    moved = "strongroom_store_bytes_total"
    return (
        node.cpu_seconds(service),
        node.sample(service, moved, direction="read"),
        node.sample(service, moved, direction="written"),
    )


def _file(node: BenchNode, file: FileId) -> File:
    with node.database.read() as connection:
        found = file_by_id(connection, file)
    assert found is not None
    return found
