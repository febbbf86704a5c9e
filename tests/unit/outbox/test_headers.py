"""Re-encrypted headers are kept for a while, within bounds, and open for their reader alone."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from services.outbox.headers import ReaderHeaders
from shared.crypto.errors import NoFittingKey
from shared.crypto.header import open_header, seal_header
from shared.crypto.keys import generate

ARCHIVE, ALICE, BOB = generate(), generate(), generate()
HEADER = seal_header([bytes(32)], [ARCHIVE.public])
OTHER = seal_header([bytes(range(32))], [ARCHIVE.public])


class Clock:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def test_same_header_for_the_same_reader_until_it_expires() -> None:
    clock = Clock()
    headers = ReaderHeaders([ARCHIVE], seconds=10, clock=clock)
    first = headers.header_for(ALICE.public, HEADER)
    clock.time = 9.9
    assert headers.header_for(ALICE.public, HEADER) == first
    clock.time = 10
    assert headers.header_for(ALICE.public, HEADER) != first


def test_readers_and_files_do_not_share_headers() -> None:
    headers = ReaderHeaders([ARCHIVE], seconds=10)
    for reader in (ALICE, BOB):
        for header, data_key in ((HEADER, bytes(32)), (OTHER, bytes(range(32)))):
            sealed = headers.header_for(reader.public, header)
            assert open_header(sealed, [reader]).data_keys == (data_key,)
            with pytest.raises(NoFittingKey):
                open_header(sealed, [ARCHIVE])


def test_memory_is_bounded_and_the_least_used_goes_first() -> None:
    headers = ReaderHeaders([ARCHIVE], seconds=10, largest=2 * (124 + 400))
    readers = [generate().public for _ in range(3)]
    first, second = (headers.header_for(reader, HEADER) for reader in readers[:2])
    headers.header_for(readers[0], HEADER)
    headers.header_for(readers[2], HEADER)
    assert headers.header_for(readers[0], HEADER) == first
    assert headers.header_for(readers[1], HEADER) != second


def test_threads_agree_on_one_header() -> None:
    headers = ReaderHeaders([ARCHIVE], seconds=10)
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: headers.header_for(ALICE.public, HEADER), range(64)))
    assert len(found) == 1
