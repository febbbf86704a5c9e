"""A part of the plaintext, shown by an edit list and the segments that hold it, is the slice of the whole."""

import io

import crypt4gh.lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.crypto.editlist import apply
from shared.crypto.excerpt import excerpt
from shared.crypto.header import open_header, read_header, seal_header
from shared.crypto.keys import generate

READER = generate()
SEGMENT = 65536
PLAIN = bytes(range(256)) * 900  # 3.5 segments


def _encrypted() -> tuple[bytes, bytes]:
    out = io.BytesIO()
    crypt4gh.lib.encrypt([(0, generate().secret, READER.public.raw)], io.BytesIO(PLAIN), out)
    out.seek(0)
    return read_header(out), out.read()


HEADER, BODY = _encrypted()
DATA_KEYS = open_header(HEADER, [READER]).data_keys
positions = st.integers(0, len(PLAIN) + 1000) | st.sampled_from([SEGMENT - 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT])


def _shown(edits: list[int] | None, start: int, end: int | None) -> bytes:
    """Return what a stock reader sees of the excerpt."""
    found = excerpt(edits, len(BODY), start, end)
    if found is None:
        return b""
    header = seal_header(DATA_KEYS, [READER.public], found.edits)
    out = io.BytesIO()
    stream = io.BytesIO(header + BODY[found.offset : found.offset + found.length])
    crypt4gh.lib.decrypt([(0, READER.secret, None)], stream, out)
    return out.getvalue()


@given(start=positions, end=st.none() | positions)
@settings(deadline=None, max_examples=60)
def test_excerpt_is_a_slice_of_the_plaintext(start: int, end: int | None) -> None:
    assert _shown(None, start, end) == PLAIN[start:end]


@given(
    edits=st.lists(st.integers(0, 2 * SEGMENT), min_size=1, max_size=6),
    start=positions,
    end=st.none() | positions,
)
@settings(deadline=None, max_examples=60)
def test_coordinates_are_those_of_the_edited_file(edits: list[int], start: int, end: int | None) -> None:
    edited = b"".join(bytes(piece) for piece in apply([memoryview(PLAIN)], edits))
    assert _shown(edits, start, end) == edited[start:end]


@pytest.mark.parametrize(
    ("start", "end", "first", "segments"),
    [(0, 1, 0, 1), (SEGMENT - 1, SEGMENT + 1, 0, 2), (SEGMENT, 2 * SEGMENT, 1, 1), (3 * SEGMENT, None, 3, 1)],
)
def test_only_the_segments_needed_are_given(start: int, end: int | None, first: int, segments: int) -> None:
    found = excerpt(None, len(BODY), start, end)
    assert found is not None
    assert found.offset == first * 65564
    assert found.length == min(segments * 65564, len(BODY) - found.offset)


def test_nothing_behind_the_end() -> None:
    assert excerpt(None, len(BODY), len(PLAIN), None) is None
