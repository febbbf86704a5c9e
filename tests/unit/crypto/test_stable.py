"""Headers that are sealed twice are the same bytes; with anything else in them, nothing of them is the same."""

import io

import crypt4gh.header
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.crypto.errors import HeaderTooLarge
from shared.crypto.header import open_header
from shared.crypto.keys import PrivateKey, generate
from shared.crypto.stable import seal_stably

ARCHIVE, READER = generate(), generate()
data_keys = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=4, unique=True)
edits = st.none() | st.lists(st.integers(0, 2**40), min_size=1, max_size=9)


@given(keys=data_keys, edit_list=edits)
@settings(deadline=None)
def test_reader_finds_what_was_sealed(keys: list[bytes], edit_list: list[int] | None) -> None:
    opened = open_header(seal_stably(keys, READER.public, edit_list, archive=ARCHIVE), [READER])
    assert opened.data_keys == tuple(keys)
    assert opened.edit_list == (None if edit_list is None else tuple(edit_list))


@given(keys=data_keys, edit_list=edits)
@settings(deadline=None)
def test_same_content_for_the_same_reader_is_the_same_header(keys: list[bytes], edit_list: list[int] | None) -> None:
    again = PrivateKey(ARCHIVE.secret)
    first, second = (seal_stably(keys, READER.public, edit_list, archive=archive) for archive in (ARCHIVE, again))
    assert first == second


def test_stock_library_opens_it() -> None:
    header = seal_stably([bytes(32)], READER.public, [1, 2], archive=ARCHIVE)
    found, edit_list = crypt4gh.header.deconstruct(io.BytesIO(header), [(0, READER.secret, None)])
    assert (found, list(edit_list)) == ([bytes(32)], [1, 2])


def _writers_and_nonces(header: bytes) -> list[tuple[bytes, bytes]]:
    """Return writer's public key and nonce of each packet."""
    found, position = [], 16
    while position < len(header):
        found.append((header[position + 8 : position + 40], header[position + 40 : position + 52]))
        position += int.from_bytes(header[position : position + 4], "little")
    return found


def test_no_key_and_nonce_come_again_with_other_content() -> None:
    variants = [
        ([bytes(32)], READER, None, ARCHIVE),
        ([bytes(31) + b"\1"], READER, None, ARCHIVE),
        ([bytes(32), bytes(31) + b"\1"], READER, None, ARCHIVE),
        ([bytes(32)], READER, [0, 5], ARCHIVE),
        ([bytes(32)], READER, [0, 6], ARCHIVE),
        ([bytes(32)], generate(), None, ARCHIVE),
        ([bytes(32)], READER, None, generate()),
    ]
    headers = [seal_stably(keys, reader.public, edits, archive=archive) for keys, reader, edits, archive in variants]
    pairs = [pair for header in headers for pair in _writers_and_nonces(header)]
    assert len(set(pairs)) == len(pairs) == 10
    # not even with another nonce: the writer's key itself is another one
    assert len({pair[0] for pair in pairs}) == len(headers)


def test_header_that_nobody_would_take_is_refused() -> None:
    with pytest.raises(HeaderTooLarge):
        seal_stably([bytes(32)], READER.public, [1] * 40_000, archive=ARCHIVE)
