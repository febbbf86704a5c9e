"""Edit lists, against the algorithm of the specification."""

import itertools
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from shared.crypto.editlist import Editor, apply, kept_intervals, narrow
from tests.unit.crypto.reference import edited

edit_lists = st.none() | st.lists(st.integers(0, 40) | st.integers(0, 2**40), max_size=9)
texts = st.binary(max_size=200)


def chunked(text: bytes | bytearray, size: int) -> Iterator[memoryview]:
    for start in range(0, len(text), size):
        yield memoryview(text)[start : start + size]


@given(text=texts, edits=edit_lists, size=st.integers(1, 50))
def test_chunks_are_edited_as_the_specification_says(text: bytes, edits: list[int] | None, size: int) -> None:
    assert b"".join(apply(chunked(text, size), edits)) == edited(text, edits)


@given(text=texts, edits=edit_lists, size=st.integers(1, 50))
def test_compacted_chunks_are_the_same_bytes(text: bytes, edits: list[int] | None, size: int) -> None:
    editor = Editor(kept_intervals(edits))
    chunks = chunked(bytearray(text), size)
    assert b"".join([bytes(editor.compact(chunk)) for chunk in chunks]) == edited(text, edits)


@given(text=texts, edits=edit_lists, start=st.integers(0, 220), length=st.none() | st.integers(0, 220))
def test_narrowed_intervals_are_a_range_of_the_edited_text(
    text: bytes, edits: list[int] | None, start: int, length: int | None
) -> None:
    end = None if length is None else start + length
    pieces = [text[low:high] for low, high in narrow(kept_intervals(edits), start, end)]
    assert b"".join(pieces) == edited(text, edits)[start:end]


def test_chunks_that_are_not_needed_are_not_read() -> None:
    counter = itertools.count()
    endless = (memoryview(b"abcd") for _ in counter)
    assert b"".join(apply(endless, [1, 2, 3, 4])) == b"bccdab"
    assert b"".join(apply(endless, [0, 4])) == b"abcd"
    assert b"".join(apply(endless, [0, 0])) == b""
    assert next(counter) == 3 + 1 + 1
