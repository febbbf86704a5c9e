"""A large body on its way between two buckets through a process, against a GET and a PUT by a plain client."""

from typing import BinaryIO, cast

from minio import Minio

from shared.storage.moving import stream
from tests.benchmarks.ground import BenchNode, bench_node
from tests.benchmarks.measure import TRANSFER, Amount, Figures, Ratio, Spread, quotients, rounds, seconds
from tests.benchmarks.uploads import HEADER, Upload

PART = 16 << 20
METHOD = f"""\
The body of a file of {TRANSFER >> 20} MiB is moved as ingest does it where inbox and archive are on two servers. Beside
it the answer to a GET is PUT again by the `minio` client, in parts of {PART >> 20} MiB, three at once. Both buckets are
on one MinIO.
"""


def run() -> Figures:
    """Move a body both ways, in turn."""
    with bench_node() as node:
        file = node.inbox.put_large(TRANSFER)
        taken = rounds(
            {
                "streamed": lambda: seconds(lambda: _stream(node, file)),
                "GET and PUT": lambda: seconds(lambda: _get_and_put(node, file)),
            }
        )
    rates = {name: [TRANSFER / value / 1e6 for value in values] for name, values in taken.items()}
    return Figures(
        title="Bodies streamed between stores",
        method=METHOD,
        ratios=[Ratio(name="streamed, of GET and PUT", spread=quotients(rates["streamed"], rates["GET and PUT"]))],
        amounts=[Amount(name=name, unit="MB/s", spread=Spread.of(values)) for name, values in rates.items()],
    )


def _stream(node: BenchNode, file: Upload) -> None:
    stream(node.store("inbox"), file.id, HEADER, file.size - HEADER, node.store("archive"), "streamed")


def _get_and_put(node: BenchNode, file: Upload) -> None:
    server, buckets = node.ground.servers.minio, node.ground.buckets
    client = Minio(server.address, server.access_key, server.secret_key, secure=False, region="us-east-1")
    with client.get_object(buckets["inbox"], file.id, offset=HEADER) as body:
        content, size = cast("BinaryIO", body), file.size - HEADER
        client.put_object(buckets["archive"], "put", content, size, part_size=PART, num_parallel_uploads=3)
        body.release_conn()
