"""Downloads through the outbox, against direct GETs of the same bodies from the store."""

import http.client
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from tests.benchmarks import wrk
from tests.benchmarks.central import CentralEga
from tests.benchmarks.ground import BenchNode, bench_node
from tests.benchmarks.measure import TRANSFER, Amount, Figures, Ratio, Spread, quotients, rounds, seconds
from tests.benchmarks.uploads import Upload
from tests.e2e.nodes import RealNode, Researcher, json_of, succeed, until

SMALL_FILES = 200
DATASET = "bench-dataset"
METHOD = f"""\
A file of {TRANSFER >> 20} MiB, and {SMALL_FILES} files of 64 KiB that `wrk` asks for in turn on {wrk.CONNECTIONS}
connections, for {wrk.SECONDS} s a point. Beside the outbox, which checks token and grant, re-encrypts the header and
records every download, the same client gets the archived bodies from MinIO by presigned URLs. Client, outbox, database
and store share the machine.
"""


@dataclass(frozen=True)
class Source:
    """A server, the headers that it wants, and paths of one large file and of small ones."""

    server: str
    headers: Mapping[str, str]
    large: str
    small: Sequence[str]


@dataclass(frozen=True)
class Taken:
    """A round of small downloads; CPU time of the outbox in ms for each."""

    load: wrk.Load
    cpu: float


def run() -> Figures:
    """Download through the outbox and directly, in turn."""
    with bench_node() as node:
        large, small = node.inbox.put_large(TRANSFER), node.inbox.put_small(SMALL_FILES)
        outbox, direct = _outbox(node, large, small), _direct(node, large, small)
        whole = rounds({"outbox": lambda: _rate(outbox), "direct": lambda: _rate(direct)})
        many = rounds({"outbox": lambda: _load(node, outbox), "direct": lambda: _load(node, direct)})
    return Figures(
        title="Downloads",
        method=METHOD,
        ratios=[
            Ratio(name="large file, of direct", spread=quotients(whole["outbox"], whole["direct"]), target=0.85),
            Ratio(name="small files per second, of direct", spread=_beside(many, "rate"), target=0.25),
            Ratio(name="small files, 99th percentile, of direct", spread=_beside(many, "p99"), target=2, at_most=True),
        ],
        amounts=list(_amounts(whole, many)),
    )


def _amounts(whole: dict[str, list[float]], many: dict[str, list[Taken]]) -> Iterator[Amount]:
    for name, rates in whole.items():
        yield Amount(name=f"{name}: large file", unit="MB/s", spread=Spread.of(rates))
    for name, taken in many.items():
        yield Amount(name=f"{name}: small files", unit="1/s", spread=Spread.of([one.load.rate for one in taken]))
        p99 = [one.load.p99 * 1000 for one in taken]
        yield Amount(name=f"{name}: small files, 99th percentile", unit="ms", spread=Spread.of(p99))
    yield Amount(name="outbox: CPU of a small file", unit="ms", spread=Spread.of([one.cpu for one in many["outbox"]]))


def _beside(many: dict[str, list[Taken]], figure: str) -> Spread:
    ours, direct = ([float(getattr(one.load, figure)) for one in many[name]] for name in ("outbox", "direct"))
    return quotients(ours, direct)


def _outbox(node: BenchNode, large: Upload, small: Sequence[Upload]) -> Source:
    """Release the files to a reader."""
    with CentralEga(node.broker) as central:
        central.send_through([large, *small])
    outside = RealNode(node.compose, node.broker, node.folder)
    reader = Researcher(outside, "reader")
    succeed(outside, "datasets", "create", DATASET, *(f"acc-{file.id}" for file in (large, *small)))
    until("the dataset", lambda: json_of(outside, "datasets", "list"))
    succeed(outside, "datasets", "release", DATASET)
    until("its release", lambda: json_of(outside, "datasets", "list")[0]["state"] == "released")
    succeed(outside, "grants", "add", "reader", DATASET)
    headers = {"Authorization": f"Bearer {reader.token}", "X-C4GH-Public-Key": reader.public_line}
    return Source(node.compose.outbox, headers, f"/files/{large.id}", [f"/files/{file.id}" for file in small])


def _direct(node: BenchNode, large: Upload, small: Sequence[Upload]) -> Source:
    archive = node.store("archive")

    def path(file: Upload) -> str:
        url = urlsplit(archive.presigned_get(file.id, timedelta(hours=2)))
        return f"{url.path}?{url.query}"

    return Source(node.ground.servers.minio.endpoint, {}, path(large), [path(file) for file in small])


def _rate(source: Source) -> float:
    """Get the large file; return MB/s."""
    return TRANSFER / seconds(lambda: _get(source)) / 1e6


def _get(source: Source) -> None:
    connection, buffer, size = http.client.HTTPConnection(urlsplit(source.server).netloc), bytearray(1 << 20), 0
    connection.request("GET", source.large, headers=dict(source.headers))
    with connection.getresponse() as answer:
        assert answer.status == 200, answer.read()
        while count := answer.readinto(buffer):
            size += count
    assert size >= TRANSFER, size
    connection.close()


def _load(node: BenchNode, source: Source) -> Taken:
    before = node.cpu_seconds("outbox")
    load = wrk.get(source.server, source.small, source.headers)
    return Taken(load, (node.cpu_seconds("outbox") - before) * 1000 / load.requests)
