"""BGZF: what is packed is what htslib and gzip unpack, and damage is found."""

import gzip
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.genomics import bgzf
from shared.genomics.errors import BadFormat

NOISE = random.Random(1).randbytes(200_000)


@given(st.binary(max_size=1000) | st.integers(0, 285).map(lambda count: NOISE[: count * 700]))
def test_what_is_packed_is_unpacked(content: bytes) -> None:
    packed = bgzf.deflate(content)
    assert gzip.decompress(packed + bgzf.EOF) == content
    assert bgzf.gunzip(packed + bgzf.EOF, most=len(content)) == content


def test_no_block_is_too_large_even_of_noise() -> None:
    packed, at, found = bgzf.deflate(NOISE), 0, b""
    while at < len(packed):
        size = bgzf.block_size(packed, at)
        assert size <= bgzf.LARGEST_BLOCK
        found += bgzf.inflate(packed, at)
        at += size
    assert found == NOISE


def test_virtual_offsets_lead_to_the_positions_they_were_made_of() -> None:
    packed = bgzf.deflate(NOISE) + bgzf.EOF
    unpacked = bgzf.Unpacked(most=len(NOISE))
    for start in range(0, len(packed), 1000):
        unpacked.feed(packed[start : start + 1000])
    for position in [0, 1, 65_279, 65_280, 65_281, 150_000, len(NOISE) - 1]:
        block, within = divmod(unpacked.virtual_offset(position), 1 << 16)
        assert bgzf.inflate(packed, block)[within] == NOISE[position]
    assert unpacked.virtual_offset(len(NOISE)) >> 16 == len(packed)


@pytest.mark.parametrize("at", [0, 3, 12, 14, 16, 30, -5, -1])
def test_damaged_block_is_found(at: int) -> None:
    packed = bytearray(bgzf.deflate(b"plaintext" * 100))
    packed[at] ^= 0x40
    with pytest.raises(BadFormat):
        bgzf.inflate(bytes(packed))


@pytest.mark.parametrize("size", [0, 5, 17, 40])
def test_block_that_ends_early_is_found(size: int) -> None:
    with pytest.raises(BadFormat):
        bgzf.inflate(bgzf.deflate(b"plaintext" * 100)[:size])


def test_flood_is_stopped() -> None:
    packed = bgzf.deflate(bytes(3_000_000))
    with pytest.raises(BadFormat):
        bgzf.gunzip(packed, most=1_000_000)
    with pytest.raises(BadFormat):
        bgzf.Unpacked(most=1_000_000).feed(packed)
