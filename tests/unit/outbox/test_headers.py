"""Headers for readers: the same whenever and wherever they are made, and open for their reader alone."""

import pytest

from services.outbox.headers import Coordinates, ReaderHeaders, Sealed, Slice
from shared.crypto.errors import NoFittingKey
from shared.crypto.header import open_header, seal_header
from shared.crypto.keys import generate
from shared.http.ranges import RangeNotSatisfiable

ARCHIVE, ALICE, BOB = generate(), generate(), generate()
HEADER = seal_header([bytes(32)], [ARCHIVE.public])
OTHER = seal_header([bytes(range(32))], [ARCHIVE.public])
BODY = 3 * 65564


def sealed(headers: ReaderHeaders, reader: object = ALICE, header: bytes = HEADER, **wanted: Coordinates) -> Sealed:
    return headers.sealed(reader.public, header, BODY, wanted.get("wanted"))  # type: ignore[attr-defined]


def test_another_process_makes_the_same_header() -> None:
    assert sealed(ReaderHeaders([ARCHIVE])) == sealed(ReaderHeaders([generate(), ARCHIVE]))


def test_readers_and_files_do_not_share_headers() -> None:
    headers = ReaderHeaders([ARCHIVE])
    for reader in (ALICE, BOB):
        for header, data_key in ((HEADER, bytes(32)), (OTHER, bytes(range(32)))):
            found = sealed(headers, reader, header)
            assert open_header(found.header, [reader]).data_keys == (data_key,)
            assert found.body == Slice(0, BODY)
            with pytest.raises(NoFittingKey):
                open_header(found.header, [ARCHIVE])


def test_what_is_forgotten_is_made_again_and_the_same() -> None:
    headers = ReaderHeaders([ARCHIVE], largest=1500)
    first = sealed(headers)
    for _ in range(5):
        sealed(headers, generate())
    assert sealed(headers) == first


def test_coordinates_have_their_own_header_and_part_of_the_body() -> None:
    headers = ReaderHeaders([ARCHIVE])
    found = sealed(headers, wanted=Coordinates(65536, 65540))
    assert found.body == Slice(65564, 65564) == headers.slice(HEADER, BODY, Coordinates(65536, 65540))
    assert open_header(found.header, [ALICE]).edit_list == (0, 4)
    assert open_header(sealed(headers).header, [ALICE]).edit_list is None


def test_coordinates_behind_the_end_tell_the_size() -> None:
    with pytest.raises(RangeNotSatisfiable, match="196608 bytes"):
        sealed(ReaderHeaders([ARCHIVE]), wanted=Coordinates(3 * 65536, None))


def test_header_that_no_key_opens_is_told_apart() -> None:
    with pytest.raises(NoFittingKey):
        sealed(ReaderHeaders([generate()]))
