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
from shared.storage.port import ObjectStore
from shared.storage.sizes import MIB, PartSizes
from tests.benchmarks.ground import BenchNode, bench_node
from tests.benchmarks.measure import BYTES, ROUNDS, Amount, Figures, Ratio, Spread, quotients, seconds
from tests.benchmarks.uploads import HEADER, USER, LargeUpload, Upload
from tests.benchmarks.verifying import KEY, serial

PATIENCE = 900.0
METHOD = (
    f"A file of {BYTES / 1e9:.1f} GB goes through ingest, verify and finalize, one step after the other. Beside it "
    "the store makes copies by itself, in parts of 128, 256 and 512 MiB, of which the quickest counts; a copy is read "
    "back; and a like file takes the incumbent's way: streamed through one process to the archive, verified by a plain "
    "serial loop, streamed to the backup. Bytes moved are those that pass through a process, counted "
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
    read_back: float
    incumbent: float
    steps: list[Step]


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
    whole = [sum(step.seconds for step in passage.steps) for passage in passages]
    copies = [passage.own_copy for passage in passages]
    read_back = [passage.own_copy + passage.read_back for passage in passages]
    incumbent = [passage.incumbent for passage in passages]
    return [
        Ratio(name="ingest, of the store's own copy", spread=quotients(copies, ingest), target=0.9),
        Ratio(name="finalize, of copy plus read-back", spread=quotients(read_back, finalize), target=0.9),
        Ratio(
            name="trigger to ready, of the incumbent's shape",
            spread=quotients(whole, incumbent),
            target=0.5,
            at_most=True,
        ),
    ]


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
    upload = node.inbox.put_large(BYTES)
    own = min(_own_copy(node, upload, part * MIB) for part in (128, 256, 512))
    back = seconds(lambda: _drain(node.store("inbox"), upload.id))
    incumbent = _incumbent(node)
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
    return Passage(own, back, incumbent, steps)


def _own_copy(node: BenchNode, upload: Upload, part: int) -> float:
    inbox, archive = node.store("inbox"), node.store("archive", part_sizes=PartSizes(copy=part))
    duration = seconds(lambda: archive.copy_range(inbox, upload.id, HEADER, upload.size - HEADER, "own"))
    archive.delete("own")
    return duration


def _drain(store: ObjectStore, key: str) -> None:
    buffer = memoryview(bytearray(MIB))
    with store.open(key) as body:
        while body.readinto(buffer):
            pass


def _incumbent(node: BenchNode) -> float:
    """Seconds that the incumbent's way takes."""
    stores = inbox, archive, backup = tuple(node.store(name) for name in ("inbox", "archive", "backup"))
    upload = LargeUpload(KEY.public, BYTES)
    inbox.put("like", upload, upload.size)
    duration = seconds(lambda: _streamed(inbox, archive, upload.size))
    duration += seconds(lambda: serial(archive, "like"))
    duration += seconds(lambda: _streamed(archive, backup, upload.size))
    for store in stores:
        store.delete("like")
    return duration


def _streamed(source: ObjectStore, target: ObjectStore, size: int) -> None:
    with source.open("like") as body:
        target.put("like", body, size)


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
