"""An upload by OpenSSH's sftp through the inbox, against a direct PUT to the store."""

import http.client
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from shared.crypto.keys import PublicKey
from tests.benchmarks.ground import BenchNode, bench_node
from tests.benchmarks.measure import TRANSFER, Amount, Figures, Ratio, Spread, quotients, rounds, seconds
from tests.benchmarks.uploads import LargeUpload
from tests.e2e.nodes import RealNode
from tests.e2e.people import Submitter
from tests.stack import s3

METHOD = f"""\
OpenSSH's `sftp` uploads a file of {TRANSFER >> 20} MiB to the inbox, which hashes it (SHA-256 and MD5) on its way to
MinIO. Beside it the same file is sent to MinIO in one PUT to a presigned URL, neither encrypted on the wire nor
hashed. Client, inbox and store share the machine, so SSH's cipher is paid for twice on the same cores.
"""


def run() -> Figures:
    """Upload by sftp and directly, in turn."""
    with bench_node() as node:
        source, names = _write(node.folder / "upload.c4gh", node.archive_key), count()
        submitter = Submitter(RealNode(node.compose, node.broker, node.folder), "submitter")
        before = node.cpu_seconds("inbox")
        taken = rounds(
            {
                "sftp": lambda: seconds(lambda: submitter.sftp(f"put {source} {next(names)}.c4gh")),
                "direct": lambda: seconds(lambda: _put(node, source)),
            }
        )
        cpu = (node.cpu_seconds("inbox") - before) / len(taken["sftp"])
    rates = {name: [TRANSFER / value / 1e6 for value in values] for name, values in taken.items()}
    return Figures(
        title="SFTP uploads",
        method=METHOD,
        ratios=[Ratio(name="sftp, of a direct PUT", spread=quotients(rates["sftp"], rates["direct"]))],
        amounts=[
            *_rates(rates),
            Amount(name="CPU of the inbox", unit="s per GB", spread=Spread.of([cpu * 1e9 / TRANSFER])),
        ],
    )


def _rates(rates: dict[str, list[float]]) -> Iterator[Amount]:
    return (Amount(name=name, unit="MB/s", spread=Spread.of(values)) for name, values in rates.items())


def _write(path: Path, reader: PublicKey) -> Path:
    upload, buffer = LargeUpload(reader, TRANSFER), memoryview(bytearray(1 << 20))
    with path.open("wb") as file:
        while size := upload.readinto(buffer):
            file.write(buffer[:size])
    return path


def _put(node: BenchNode, source: Path) -> None:
    server = node.ground.servers.minio
    url = urlsplit(s3.client(server).presigned_put_object(node.ground.buckets["inbox"], "direct", timedelta(hours=1)))
    connection = http.client.HTTPConnection(server.address, blocksize=1 << 20)
    with source.open("rb") as body:
        connection.request("PUT", f"{url.path}?{url.query}", body, {"Content-Length": str(source.stat().st_size)})
        with connection.getresponse() as answer:
            assert answer.status == 200, answer.read()
    connection.close()
