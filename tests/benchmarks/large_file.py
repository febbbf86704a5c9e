"""One large file through ingest, verify and finalize: bytes moved through each process, peak memory, CPU time."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from shared.broker.commit import UnitWriter, to_exchange
from shared.broker.unit import Unit
from shared.database.records import ChecksumSource, File, checksums_of, file_by_id
from shared.database.states import FileState
from shared.identifiers import FileId
from shared.messages.fields import checksums
from shared.messages.ingestion import Accession, IngestTrigger
from shared.storage.port import ObjectStore
from shared.storage.sizes import MIB, PartSizes
from tests.benchmarks.ground import BenchNode, bench_node
from tests.benchmarks.measure import BYTES, ROUNDS, Amount, Figures, Ratio, Spread, quotients, seconds
from tests.benchmarks.uploads import HEADER, USER, LargeUpload, Upload
from tests.benchmarks.verifying import KEY, serial

PATIENCE = 900.0
METHOD = (
    f"A file of {BYTES / 1e9:.1f} GB goes through ingest, verify and finalize, one step after the other. Beside it "
    "a like file takes the incumbent's way: streamed through one process to the archive, verified by a plain serial "
    "loop, streamed to the backup; the file is read from the store; and the store makes copies of it, in parts of "
    "128, 256 and 512 MiB, of which the size that is quickest in most rounds counts. All that was written before is on "
    "the disk before a step begins. The bound is what remains if every step of ours took no longer than what it can't "
    "do without: the store's own copy twice, the serial loop spread over all cores, and the read-back. Bytes moved are "
    "those that pass through a process, counted by its own metrics; CPU time and memory are the kernel's count."
)
PARTS = (128, 256, 512)
"""Sizes in MiB of the parts in which the store copies by itself."""


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
    """What a repetition gave: seconds, those of the store's own copies by the size of their parts."""

    own_copies: dict[int, float]
    read_back: float
    streamed: float
    serial: float
    steps: list[Step]

    @property
    def whole(self) -> float:
        """From trigger to ready."""
        return sum(step.seconds for step in self.steps)

    @property
    def incumbent(self) -> float:
        """The incumbent's way."""
        return self.streamed + self.serial


def run() -> Figures:
    """Send a file through, several times."""
    with bench_node() as node:
        passages = [_passage(node, number) for number in range(ROUNDS)]
    steps = zip(*(passage.steps for passage in passages), strict=True)
    return Figures(
        title="A large file",
        method=METHOD,
        ratios=_ratios(passages),
        amounts=[amount for same in steps for amount in _amounts(list(same))],
    )


def _ratios(passages: list[Passage]) -> list[Ratio]:
    ingest, finalize = ([passage.steps[step].seconds for passage in passages] for step in (0, 2))
    best = min(PARTS, key=lambda part: median(passage.own_copies[part] for passage in passages))
    copies = [passage.own_copies[best] for passage in passages]
    read_back = [copy + passage.read_back for copy, passage in zip(copies, passages, strict=True)]
    cores = len(os.sched_getaffinity(0))
    bounds = [
        copy + back + passage.serial / cores for copy, back, passage in zip(copies, read_back, passages, strict=True)
    ]
    incumbent = [passage.incumbent for passage in passages]
    return [
        Ratio(name="ingest, of the store's own copy", spread=quotients(copies, ingest), target=0.9),
        Ratio(name="finalize, of copy plus read-back", spread=quotients(read_back, finalize), target=0.9),
        Ratio(
            name="trigger to ready, of the incumbent's shape",
            spread=quotients([passage.whole for passage in passages], incumbent),
            target=0.5,
            at_most=True,
        ),
        Ratio(name="the bound, of the incumbent's shape", spread=quotients(bounds, incumbent)),
    ]


def _amounts(steps: list[Step]) -> Iterator[Amount]:
    service = steps[0].service
    per_gb = 1e9 / BYTES

    def amount(name: str, unit: str, values: list[float], limit: float | None = None) -> Amount:
        return Amount(name=f"{service}: {name}", unit=unit, spread=Spread.of(values), limit=limit)

    yield amount("rate", "MB/s", [BYTES / step.seconds / 1e6 for step in steps])
    yield amount("CPU", "s per GB", [step.cpu_seconds * per_gb for step in steps])
    yield amount("read", "of the file", [step.read / BYTES for step in steps])
    yield amount("written", "of the file", [step.written / BYTES for step in steps])
    yield amount("peak memory", "MB", [step.peak / 1e6 for step in steps], limit=100)


def _passage(node: BenchNode, number: int) -> Passage:
    upload = node.inbox.put_large(BYTES)
    streamed, alone = _incumbent(node)
    back = _settled_seconds(lambda: _drain(node.store("inbox"), upload.id))
    own = {part: _own_copy(node, upload, part * MIB) for part in PARTS}
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
    return Passage(own, back, streamed, alone, steps)


def _own_copy(node: BenchNode, upload: Upload, part: int) -> float:
    inbox, archive = node.store("inbox"), node.store("archive", part_sizes=PartSizes(copy=part))
    duration = _settled_seconds(lambda: archive.copy_range(inbox, upload.id, HEADER, upload.size - HEADER, "own"))
    archive.delete("own")
    return duration


def _drain(store: ObjectStore, key: str) -> None:
    buffer = memoryview(bytearray(MIB))
    with store.open(key) as body:
        while body.readinto(buffer):
            pass


def _incumbent(node: BenchNode) -> tuple[float, float]:
    """Seconds that the incumbent's way takes for streaming, and for its loop."""
    stores = inbox, archive, backup = tuple(node.store(name) for name in ("inbox", "archive", "backup"))
    upload = LargeUpload(KEY.public, BYTES)
    inbox.put("like", upload, upload.size)
    streamed = _settled_seconds(lambda: _streamed(inbox, archive, upload.size))
    alone = _settled_seconds(lambda: serial(archive, "like"))
    streamed += _settled_seconds(lambda: _streamed(archive, backup, upload.size))
    for store in stores:
        store.delete("like")
    return streamed, alone


def _settled_seconds(work: Callable[[], object]) -> float:
    os.sync()
    return seconds(work)


def _streamed(source: ObjectStore, target: ObjectStore, size: int) -> None:
    with source.open("like") as body:
        target.put("like", body, size)


def _step(node: BenchNode, service: str, file: FileId, goal: FileState, message: Any = None) -> Step:
    """Send what starts a step, if it is not under way by itself, and wait for its goal."""
    if message is not None:
        os.sync()
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
