"""One large file through ingest, verify and finalize: bytes moved through each process, peak memory, rates."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.broker.commit import UnitWriter, to_exchange
from shared.broker.unit import Unit
from shared.crypto.header import seal_header
from shared.crypto.keys import PublicKey
from shared.crypto.segments import CIPHER_SEGMENT, SEGMENT, Encryptor
from shared.database.records import ChecksumSource, File, checksums_of, file_by_id
from shared.database.statements import FILE_REGISTER
from shared.database.states import FileState
from shared.identifiers import FileId, new_file_id
from shared.messages.fields import checksums
from shared.messages.ingestion import Accession, IngestTrigger
from tests.benchmarks.ground import BenchNode, bench_node, size_of_run

PATIENCE = 900.0


class LargeUpload:
    """A valid Crypt4GH file of any size from one segment, which is sealed once and repeated."""

    def __init__(self, reader: PublicKey, plain_size: int) -> None:
        key = os.urandom(32)
        self._head = seal_header([key], [reader])
        self._segment = memoryview(bytearray(CIPHER_SEGMENT))
        Encryptor(key).encrypt(memoryview(os.urandom(SEGMENT)), self._segment)
        self.size = len(self._head) + plain_size // SEGMENT * CIPHER_SEGMENT
        self._position = 0

    def readinto(self, buffer: memoryview, /) -> int:
        count = min(len(buffer), self.size - self._position)
        done = 0
        while done < count:
            piece = self._piece()[: count - done]
            buffer[done : done + len(piece)] = piece
            done += len(piece)
            self._position += len(piece)
        return count

    def _piece(self) -> memoryview:
        if self._position < len(self._head):
            return memoryview(self._head)[self._position :]
        return self._segment[(self._position - len(self._head)) % CIPHER_SEGMENT :]


@dataclass(frozen=True)
class Step:
    """What a step of the pipeline took."""

    service: str
    seconds: float
    cpu_seconds: float
    read: float
    written: float
    peak: int

    def row(self, size: int) -> str:
        return (
            f"{self.service:9} {self.seconds:7.1f} {size / self.seconds / 1e6:7.0f} {self.cpu_seconds:7.1f} "
            f"{self.read / size:9.4f} {self.written / size:9.4f} {self.peak / 1e6:8.0f}"
        )


def run() -> dict[str, Any]:
    """Measure, print a table, and return the figures."""
    with bench_node() as node:
        return _measure(node)


def _measure(node: BenchNode) -> dict[str, Any]:
    upload = LargeUpload(node.archive_key, size_of_run())
    file = _upload(node, upload)
    own = _timed(lambda: node.store("archive").copy_range(node.store("inbox"), file, 124, upload.size - 124, "own"))
    node.store("archive").delete("own")
    trigger = IngestTrigger(type="ingest", user="bench", filepath="bench/large.c4gh")
    steps = [_step(node, "ingest", file, FileState.ARCHIVED, trigger), _step(node, "verify", file, FileState.VERIFIED)]
    with node.database.read() as connection:
        plain = checksums(checksums_of(connection, file)[ChecksumSource.PLAIN])
    accession = Accession(user="bench", filepath="bench/large.c4gh", accession_id="bench-1", decrypted_checksums=plain)
    steps.append(_step(node, "finalize", file, FileState.READY, accession))
    print(f"\nOne file of {upload.size / 1e9:.1f} GB; read and written: through the process, as parts of the file")
    print("                s    MB/s   CPU s      read   written  peak MB")
    for step in steps:
        print(step.row(upload.size))
    print(f"the store's own copy {own:.1f} s; ingest at {own / steps[0].seconds:.2f} of it")
    return {"bytes": upload.size, "own_copy_seconds": own, "steps": [vars(step) for step in steps]}


def _upload(node: BenchNode, upload: LargeUpload) -> FileId:
    file = new_file_id()
    inbox = node.store("inbox")
    inbox.put(file, upload, upload.size)
    unit = Unit("bench")
    row = {
        "user": "bench",
        "path": "large.c4gh",
        "state": "uploaded",
        "size": upload.size,
        "inbox_location": inbox.name,
    }
    unit.add(FILE_REGISTER, id=file, registered_at=unit.at, changed_at=unit.at, **row)
    UnitWriter(node.database, to_exchange).write([unit])
    return file


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
    seconds = time.monotonic() - started
    cpu, read, written = (after - b for after, b in zip(_counters(node, service), before, strict=True))
    return Step(service, seconds, cpu, read, written, node.peak_memory(service))


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


def _timed(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started
