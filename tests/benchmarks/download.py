"""Downloads through the outbox, against direct GETs of the same bodies from the store."""

import http.client
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit

from tests.benchmarks import wrk
from tests.benchmarks.central import CentralEga
from tests.benchmarks.ground import BenchNode, bench_node
from tests.benchmarks.measure import TRANSFER, Amount, Figures, Ratio, Spread, quotients, rounds, seconds
from tests.benchmarks.outboxes import SETTINGS, Outboxes, outboxes
from tests.benchmarks.uploads import Upload
from tests.e2e.nodes import RealNode, json_of, succeed, until
from tests.e2e.people import Researcher

SMALL_FILES = 200
DATASET = "bench-dataset"
READERS = 200
"""Who take a first piece of the large file, and no more."""
METHOD = f"""\
A file of {TRANSFER >> 20} MiB, and {SMALL_FILES} files of 64 KiB that `wrk` asks for in turn on {wrk.CONNECTIONS}
connections, for {wrk.SECONDS} s a point. Beside the outbox, one process for each core, which checks token and grant,
re-encrypts the header and records every download, the same client gets the archived bodies from MinIO by presigned
URLs. Client, outbox, database and store share the machine. Then {READERS} readers ask for the large file and stop
reading.
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
    with bench_node(settings=SETTINGS) as node:
        large, small = node.inbox.put_large(TRANSFER), node.inbox.put_small(SMALL_FILES)
        with outboxes(node) as running:
            sources = _sources(node, running, large, small)
            whole = rounds({name: partial(_rate, source) for name, source in sources.items()})
            many = rounds({name: partial(_load, running, sources[name]) for name in ("files", "content", "direct")})
            stalled = list(_stalled(running, sources["files"]))
    return Figures(
        title="Downloads", method=METHOD, ratios=list(_ratios(whole, many)), amounts=[*_amounts(whole, many), *stalled]
    )


def _ratios(whole: dict[str, list[float]], many: dict[str, list[Taken]]) -> Iterator[Ratio]:
    for name, target in (("files", 0.85), ("content", 0.85), ("redirected", 1.0)):
        yield Ratio(name=f"large, {name}, of direct", spread=quotients(whole[name], whole["direct"]), target=target)
    for name, target in (("files", 0.25), ("content", 0.35)):
        rates, p99 = _beside(many, name, "rate"), _beside(many, name, "p99")
        yield Ratio(name=f"small per second, {name}, of direct", spread=rates, target=target)
        yield Ratio(name=f"small, 99th percentile, {name}, of direct", spread=p99, target=2, at_most=True)


def _amounts(whole: dict[str, list[float]], many: dict[str, list[Taken]]) -> Iterator[Amount]:
    for name, rates in whole.items():
        yield Amount(name=f"{name}: large file", unit="MB/s", spread=Spread.of(rates))
    for name, taken in many.items():
        yield Amount(name=f"{name}: small files", unit="1/s", spread=Spread.of([one.load.rate for one in taken]))
        p99 = [one.load.p99 * 1000 for one in taken]
        yield Amount(name=f"{name}: small files, 99th percentile", unit="ms", spread=Spread.of(p99))
    for name in ("files", "content"):
        cpu = Spread.of([one.cpu for one in many[name]])
        yield Amount(name=f"{name}: CPU of a small file", unit="ms", spread=cpu)


def _stalled(running: Outboxes, source: Source) -> Iterator[Amount]:
    """Measure what readers who stop reading cost, and whether another one has to wait for them."""
    before = running.memory()
    with ExitStack() as stack:
        for _ in range(READERS):
            _ask_and_stop(stack, source)
        waited = [seconds(partial(_get, source.server, path, source.headers)) * 1000 for path in source.small]
        grown = (running.memory() - before) / (1 << 20)
    yield Amount(name=f"{READERS} stalled readers: memory", unit="MiB", spread=Spread.of([grown]), limit=300)
    yield Amount(name=f"small file beside {READERS} stalled readers", unit="ms", spread=Spread.of(waited))


def _ask_and_stop(stack: ExitStack, source: Source) -> None:
    connection = http.client.HTTPConnection(urlsplit(source.server).netloc)
    stack.callback(connection.close)
    connection.request("GET", source.large, headers=dict(source.headers))
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    answer.read(1 << 16)


def _beside(many: dict[str, list[Taken]], name: str, figure: str) -> Spread:
    ours, direct = ([float(getattr(one.load, figure)) for one in many[which]] for which in (name, "direct"))
    return quotients(ours, direct)


def _sources(node: BenchNode, running: Outboxes, large: Upload, small: Sequence[Upload]) -> dict[str, Source]:
    files, direct = _outbox(node, large, small), _direct(node, large, small)
    content = replace(files, large=f"{files.large}/content", small=[f"{path}/content" for path in files.small])
    redirected = replace(content, server=running.redirecting)
    return {"files": files, "content": content, "redirected": redirected, "direct": direct}


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
    return TRANSFER / seconds(lambda: _get_large(source)) / 1e6


def _get_large(source: Source) -> None:
    size = _get(source.server, source.large, source.headers)
    assert size >= TRANSFER, size


def _get(server: str, path: str, headers: Mapping[str, str]) -> int:
    """Get something, perhaps from where it is said to be; return its size."""
    connection, buffer, size = http.client.HTTPConnection(urlsplit(server).netloc), bytearray(1 << 20), 0
    with closing(connection):
        connection.request("GET", path, headers=dict(headers))
        with connection.getresponse() as answer:
            if answer.status == 307:
                place = urlsplit(answer.headers["Location"])
                return _get(f"{place.scheme}://{place.netloc}", f"{place.path}?{place.query}", {})
            assert answer.status == 200, answer.read()
            while count := answer.readinto(buffer):
                size += count
    return size


def _load(running: Outboxes, source: Source) -> Taken:
    before = running.cpu_seconds()
    load = wrk.get(source.server, source.small, source.headers)
    return Taken(load, (running.cpu_seconds() - before) * 1000 / load.requests)
