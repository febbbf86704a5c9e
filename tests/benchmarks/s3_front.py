"""Uploads by S3 through the inbox, against the same client straight to the store."""

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import Any

import boto3
from botocore.config import Config

from tests.benchmarks.ground import BenchNode, bench_node
from tests.benchmarks.measure import Amount, Figures, Ratio, Spread, quotients, rounds, seconds
from tests.e2e.nodes import RealNode, succeed
from tests.e2e.people import Submitter

MIB = 1 << 20
LARGE, PART, WHOLE, SMALL = 512 * MIB, 16 * MIB, 64 * MIB, 64 << 10
THREADS = 8
UPLOADS = 200
"""Small uploads of a round."""
METHOD = """\
boto3 uploads through the inbox, which checks every signature and digest and hashes each file that comes in one piece
(SHA-256), and straight to MinIO: 512 MiB in 32 parts by 8 threads, 64 MiB in one piece with its digest signed and with
an unsigned body, and 200 files of 64 KiB by 8 threads. Both take turns. Every file through the inbox is registered,
recorded and told in two transactions of PostgreSQL. Client, inbox, store and database share the machine.
"""


@dataclass(frozen=True)
class Way:
    """A client and the bucket it uploads to."""

    client: Any
    unsigned: Any
    bucket: str


Upload = Callable[[Way, int, bytes], None]
"""Uploads something by a way, under names with this number."""


def run() -> Figures:
    """Upload by both ways in turn."""
    with bench_node() as node:
        ways = {"front": _front(node), "direct": _direct(node)}
        names, body = count(), os.urandom(WHOLE)
        measured = {
            kind: rounds({name: _timed(upload, way, names, body) for name, way in ways.items()})
            for kind, upload in _UPLOADS.items()
        }
        with ThreadPoolExecutor(100) as pool:
            _parts(ways["front"], next(names), body, LARGE * 3 // PART, pool)
        peak = node.peak_memory("inbox") / MIB
    return Figures(
        title="Uploads by S3",
        method=METHOD,
        ratios=[
            Ratio(name=f"{kind}, of direct", spread=quotients(taken["direct"], taken["front"]), target=_TARGETS[kind])
            for kind, taken in measured.items()
        ],
        amounts=[
            *_amounts(measured),
            Amount(name="peak memory, 100 parts at once", unit="MiB", spread=Spread.of([peak]), limit=256),
        ],
    )


def _timed(
    upload: Callable[[Way, int, bytes], None], way: Way, names: "count[int]", body: bytes
) -> Callable[[], float]:
    return lambda: seconds(lambda: upload(way, next(names), body))


def _multipart(way: Way, name: int, body: bytes) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        _parts(way, name, body, LARGE // PART, pool)


def _parts(way: Way, name: int, body: bytes, number: int, pool: ThreadPoolExecutor) -> None:
    key = {"Bucket": way.bucket, "Key": f"large-{name}.c4gh"}
    key["UploadId"] = way.client.create_multipart_upload(**key)["UploadId"]

    def send(part: int) -> dict[str, Any]:
        stored = way.client.upload_part(**key, PartNumber=part, Body=body[:PART])
        return {"PartNumber": part, "ETag": stored["ETag"]}

    parts = list(pool.map(send, range(1, number + 1)))
    way.client.complete_multipart_upload(**key, MultipartUpload={"Parts": parts})


def _signed(way: Way, name: int, body: bytes) -> None:
    way.client.put_object(Bucket=way.bucket, Key=f"signed-{name}.c4gh", Body=body)


def _unsigned(way: Way, name: int, body: bytes) -> None:
    way.unsigned.put_object(Bucket=way.bucket, Key=f"unsigned-{name}.c4gh", Body=body)


def _small(way: Way, name: int, body: bytes) -> None:
    def put(number: int) -> None:
        way.client.put_object(Bucket=way.bucket, Key=f"small-{name}-{number}.c4gh", Body=body[:SMALL])

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(put, range(UPLOADS)))


_UPLOADS = {
    "512 MiB in parts": _multipart,
    "64 MiB, signed": _signed,
    "64 MiB, unsigned": _unsigned,
    "64 KiB, 8 threads": _small,
}
_TARGETS = {"512 MiB in parts": 0.87, "64 MiB, signed": 0.8, "64 MiB, unsigned": 0.7, "64 KiB, 8 threads": 0.7}
_BYTES = {"512 MiB in parts": LARGE, "64 MiB, signed": WHOLE, "64 MiB, unsigned": WHOLE, "64 KiB, 8 threads": 0}


def _amounts(measured: dict[str, dict[str, list[float]]]) -> Iterator[Amount]:
    for kind, taken in measured.items():
        for name, values in taken.items():
            amount, unit = (_BYTES[kind] / 1e6, "MB/s") if _BYTES[kind] else (float(UPLOADS), "1/s")
            yield Amount(name=f"{kind}, {name}", unit=unit, spread=Spread.of([amount / value for value in values]))


def _front(node: BenchNode) -> Way:
    real = RealNode(node.compose, node.broker, node.folder)
    submitter = Submitter(real, "submitter")
    given = json.loads(succeed(real, "users", "credentials", submitter.name, "--ttl", "1h"))
    return _way(given["endpoint"], given["access_key"], given["secret_key"], given["bucket"])


def _direct(node: BenchNode) -> Way:
    server = node.ground.servers.minio
    return _way(server.endpoint, server.access_key, server.secret_key, node.ground.buckets["inbox"])


def _way(endpoint: str, access_key: str, secret_key: str, bucket: str) -> Way:
    def client(**s3: Any) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            region_name="us-east-1",
            config=Config(
                max_pool_connections=100,
                request_checksum_calculation="when_required",
                s3={"addressing_style": "path", **s3},
            ),
        )

    return Way(client(), client(payload_signing_enabled=False), bucket)
