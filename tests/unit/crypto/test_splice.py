"""Parts of a file and added bytes, laid out as one stream: a stock reader sees them in a row."""

import io

import crypt4gh.lib
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.crypto.editlist import apply
from shared.crypto.header import open_header, read_header, seal_header
from shared.crypto.keys import generate
from shared.crypto.splice import Piece, Run, encrypted, splice

READER = generate()
SEGMENT = 65536
PLAIN = b"".join(number.to_bytes(4, "big") for number in range(90_000))  # 5.5 segments
WHOLE = len(PLAIN) // SEGMENT * SEGMENT


def _encrypted() -> tuple[bytes, bytes]:
    out = io.BytesIO()
    crypt4gh.lib.encrypt([(0, generate().secret, READER.public.raw)], io.BytesIO(PLAIN), out)
    out.seek(0)
    return read_header(out), out.read()


HEADER, BODY = _encrypted()
(DATA_KEY,) = open_header(HEADER, [READER]).data_keys

positions = st.integers(0, WHOLE) | st.sampled_from([n * SEGMENT + d for n in range(1, 5) for d in (-1, 0, 1)])
intervals = (
    st.lists(positions, max_size=10, unique=True).map(sorted).map(lambda p: list(zip(p[::2], p[1::2], strict=False)))
)
added = st.sampled_from([b"", b"added", b"x" * SEGMENT, b"y" * (SEGMENT + 3), b"z" * (SEGMENT - 5)])


@st.composite
def laid(draw: st.DrawFn) -> list[Piece]:
    """Intervals in their order, with bytes between them."""
    pieces: list[Piece] = [draw(added)]
    for interval in draw(intervals):
        pieces += [interval, draw(added)]
    return pieces


def shown(pieces: list[Piece], edits: list[int] | None) -> bytes:
    """Return what a stock reader sees."""
    found = splice(pieces, edits)
    body = b"".join(
        BODY[part.offset : part.stop] if isinstance(part, Run) else encrypted(part, DATA_KEY) for part in found.parts
    )
    out = io.BytesIO()
    header = seal_header([DATA_KEY], [READER.public], found.edits)
    crypt4gh.lib.decrypt([(0, READER.secret, None)], io.BytesIO(header + body), out)
    return out.getvalue()


def expected(pieces: list[Piece], plain: bytes) -> bytes:
    return b"".join(piece if isinstance(piece, bytes) else plain[slice(*piece)] for piece in pieces)


@given(laid())
@settings(deadline=None, max_examples=150)
def test_pieces_are_seen_in_a_row(pieces: list[Piece]) -> None:
    pieces.append(b"end")
    assert shown(pieces, None) == expected(pieces, PLAIN)


@given(
    laid(),
    st.lists(st.integers(1, SEGMENT), min_size=2, max_size=6).filter(lambda e: sum(e) <= WHOLE and not len(e) % 2),
)
@settings(deadline=None, max_examples=60)
def test_intervals_count_on_the_file_that_readers_see(pieces: list[Piece], edits: list[int]) -> None:
    pieces.append(b"end")
    edited = b"".join(bytes(piece) for piece in apply([memoryview(PLAIN)], edits))
    assert shown(pieces, edits) == expected(pieces, edited)


def test_segment_of_two_neighbours_comes_once() -> None:
    found = splice([(10, 20), (30, 40), (SEGMENT + 5, SEGMENT + 6), b"end"], None)
    assert found.parts == [Run(0, 2 * 65564), b"end"]
    assert found.edits == (10, 10, 10, 10, SEGMENT - 35, 1, SEGMENT - 6, 3)


def test_what_was_shown_can_be_shown_again() -> None:
    pieces: list[Piece] = [(100, 200), (50, 150), b"end"]
    assert shown(pieces, None) == expected(pieces, PLAIN)
