"""From which size on a copy inside the store is quicker than a GET and a PUT, and with which parts: `sizes.LARGE`."""

import io
import os
from collections.abc import Callable

from shared.storage.s3 import S3Store
from shared.storage.sizes import MIB, PartSizes
from tests.benchmarks.measure import Amount, Figures, Ratio, Spread, quotients, rounds, seconds
from tests.benchmarks.uploads import HEADER
from tests.stack.minio import MinioServer
from tests.stack.process import Home

SIZES = (1, 2, 4, 8, 16, 32)
REPETITIONS = 9
PARTS = (64, 128, 256, 512)
LARGE_OBJECT = 1024 * MIB
METHOD = (
    "The range of an object behind a header is copied by MinIO itself, and streamed by a GET and a PUT, in turn. A "
    f"range of {LARGE_OBJECT // MIB} MiB is copied in parts of several sizes, four at once."
)
Open = Callable[[int], S3Store]


def run() -> Figures:
    """Measure both ways by size, and the copy by part."""
    home = Home.create()
    try:
        with MinioServer(home) as minio:
            server = minio.handle

            def opened(part: int = PartSizes().copy) -> S3Store:
                return S3Store(
                    endpoint=server.address,
                    access_key=server.access_key,
                    secret_key=server.secret_key,
                    bucket="bench-copying",
                    secure=False,
                    part_sizes=PartSizes(copy=part),
                )

            opened().ensure_bucket()
            ratios = [_by_size(opened(), size) for size in SIZES]
            return Figures(title="Copies inside the store", method=METHOD, ratios=ratios, amounts=_by_part(opened))
    finally:
        home.end()


def _by_size(store: S3Store, mib: int) -> Ratio:
    size = mib * MIB
    store.put("source", io.BytesIO(os.urandom(size)), size)
    taken = rounds(
        {
            "copied": lambda: seconds(lambda: _copied(store, size)),
            "streamed": lambda: seconds(lambda: _streamed(store, size)),
        },
        REPETITIONS,
    )
    return Ratio(name=f"{mib} MiB: copying, of streaming", spread=quotients(taken["streamed"], taken["copied"]))


def _by_part(opened: Open) -> list[Amount]:
    opened(MIB * PARTS[0]).put("source", _Zeros(LARGE_OBJECT), LARGE_OBJECT)
    taken = rounds({str(part): _copying(opened(part * MIB)) for part in PARTS})
    return [
        Amount(name=f"copy in parts of {part} MiB", unit="s", spread=Spread.of(values))
        for part, values in taken.items()
    ]


def _copying(store: S3Store) -> Callable[[], float]:
    return lambda: seconds(lambda: _copied(store, LARGE_OBJECT))


def _copied(store: S3Store, size: int) -> None:
    store.copy_range(store, "source", HEADER, size - HEADER, "target")


def _streamed(store: S3Store, size: int) -> None:
    with store.open("source", HEADER) as body:
        store.put("target", body, size - HEADER)


class _Zeros:
    def __init__(self, size: int) -> None:
        self._left = size

    def readinto(self, buffer: memoryview, /) -> int:
        count = min(len(buffer), self._left)
        buffer[:count] = bytes(count)
        self._left -= count
        return count
