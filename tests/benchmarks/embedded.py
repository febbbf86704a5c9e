"""Small files through the embedded node, against the floor that the servers allow."""

import time
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import func, select

from shared.broker.commit import UnitWriter, to_local_queue
from shared.broker.unit import Unit
from shared.crypto.keys import load_public_key
from shared.database.engine import Database
from shared.database.states import FileState
from shared.database.tables import files
from shared.messages.ingestion import IngestTrigger
from shared.storage.directory import DirectoryStore
from tests.benchmarks.floor import laid
from tests.benchmarks.ground import BenchServers, bench_servers
from tests.benchmarks.measure import FILES, Amount, Figures, Ratio, Spread, quotients, rounds
from tests.benchmarks.processes import cpu_seconds_of
from tests.benchmarks.uploads import USER, Inbox, Upload
from tests.e2e.nodes import EmbeddedNode, embedded_node

PATIENCE = 120.0
METHOD = f"""\
{FILES} files of 64 KiB wait in the inbox of `strongroom up --embedded --automatic`: SQLite and folders, every commit
and every file synchronized with the disk, backup copies read back. All are triggered at once, by rows that another
process writes, and the clock stops when the last one is ready. The floor beside it is that of the benchmark of small
files, on RabbitMQ, PostgreSQL and MinIO.
"""


def run() -> Figures:
    """Send files through the embedded node and over the floor, in turn."""
    with (
        bench_servers() as servers,
        TemporaryDirectory(prefix="strongroom-bench-") as folder,
        embedded_node(Path(folder), "--automatic") as node,
    ):
        taken = rounds({"embedded": lambda: _embedded(node), "floor": lambda: _floor(servers)})
    rates = [one["rate"] for one in taken["embedded"]]
    floors = [one["rate"] for one in taken["floor"]]
    return Figures(
        title="Small files, embedded",
        method=METHOD,
        ratios=[Ratio(name="files per second, of the floor", spread=quotients(rates, floors), target=3.0)],
        amounts=[
            Amount(name="files", unit="1/s", spread=Spread.of(rates)),
            Amount(name="CPU", unit="ms per file", spread=Spread.of([one["cpu"] for one in taken["embedded"]])),
            Amount(name="floor: files", unit="1/s", spread=Spread.of(floors)),
        ],
    )


def _embedded(node: EmbeddedNode) -> dict[str, float]:
    """Return files per second, and milliseconds of CPU time per file."""
    database = Database(f"sqlite:///{node.data / 'strongroom.db'}")
    store = DirectoryStore(node.data / "store" / "inbox", name="inbox")
    uploads = Inbox(database, store, to_local_queue, load_public_key(node.public_key)).put_small(FILES)
    assert node.process is not None
    cpu, begun = cpu_seconds_of([node.process.pid]), _ready(database)
    started = time.perf_counter()
    _trigger(database, uploads)
    while (done := _ready(database) - begun) < FILES:
        assert time.perf_counter() - started < PATIENCE, f"{done} of {FILES} files came through"
        time.sleep(0.02)
    seconds = time.perf_counter() - started
    database.close()
    cpu = cpu_seconds_of([node.process.pid]) - cpu
    return {"rate": FILES / seconds, "cpu": cpu * 1000 / FILES}


def _trigger(database: Database, uploads: Collection[Upload]) -> None:
    unit = Unit(USER)
    for upload in uploads:
        unit.send(IngestTrigger(type="ingest", user=USER, filepath=f"{USER}/{upload.path}"), upload.id)
    UnitWriter(database, to_local_queue).write([unit])


def _ready(database: Database) -> int:
    with database.read() as connection:
        query = select(func.count()).select_from(files).where(files.c.state == FileState.READY)
        return connection.scalar(query) or 0


def _floor(servers: BenchServers) -> dict[str, float]:
    with laid(servers.handles, FILES) as floor:
        return {"rate": FILES / floor.send_through(floor.files)}
