"""Edit lists: which parts of the decrypted bytes make up the file that the reader sees.

Crypt4GH 1.0, section 4.2: lengths to discard and to keep by turns. After a last "discard" all the rest is kept, after
a last "keep" the rest is discarded, and an empty list keeps everything. Bytes beyond the end are silently not there.
"""

from collections.abc import Iterable, Iterator, Sequence

END = 2**63
"""Stands for the end of the file: no position is beyond it."""

Interval = tuple[int, int]
"""Positions of decrypted bytes that are kept, half-open."""

_NOTHING: Interval = (END, END)


def kept_intervals(edits: Sequence[int] | None) -> Iterator[Interval]:
    """Turn an edit list into the intervals that it keeps, in order."""
    position = 0
    for index in range(0, len(edits or ()) - 1, 2):
        discard, keep = (edits or ())[index : index + 2]
        position += discard
        yield position, position + keep
        position += keep
    if not edits:
        yield 0, END
    elif len(edits) % 2:
        yield position + edits[-1], END


def narrow(kept: Iterable[Interval], start: int, end: int | None) -> Iterator[Interval]:
    """Cut kept intervals down to bytes `start` to `end` (half-open, None: to the end) of the edited file."""
    stop = END if end is None else end
    seen = 0
    for first, behind in kept:
        low = first + max(start - seen, 0)
        high = min(behind, first + stop - seen)
        if low < high:
            yield low, high
        seen += behind - first


class Editor:
    """Picks the kept parts out of successive chunks of decrypted bytes, in constant memory."""

    def __init__(self, kept: Iterable[Interval], *, position: int = 0) -> None:
        """Start at `position`, for chunks that do not begin with the first byte."""
        self._kept = iter(kept)
        self._position = position
        self._first, self._behind = next(self._kept, _NOTHING)

    @property
    def finished(self) -> bool:
        """Whether no later chunk can hold a kept byte."""
        return self._first >= END

    def pieces(self, chunk: memoryview) -> Iterator[memoryview]:
        """Yield the kept parts of the next chunk, as views of it; to be exhausted before the next call."""
        start, limit = self._position, self._position + len(chunk)
        while self._first < limit:
            low, high = max(self._first, start), min(self._behind, limit)
            if low < high:
                yield chunk[low - start : high - start]
            if self._behind > limit:
                break
            self._first, self._behind = next(self._kept, _NOTHING)
        self._position = limit

    def compact(self, chunk: memoryview) -> memoryview:
        """Move the kept parts of the next chunk to its front and return the view of them."""
        size = 0
        for piece in self.pieces(chunk):
            if len(piece) < len(chunk):
                chunk[size : size + len(piece)] = piece
            size += len(piece)
        return chunk[:size]


def apply(chunks: Iterable[memoryview], edits: Sequence[int] | None) -> Iterator[memoryview]:
    """Yield what an edit list keeps of a plaintext that comes in chunks; reads no chunk that it does not need."""
    editor = Editor(kept_intervals(edits))
    if editor.finished:
        return
    for chunk in chunks:
        yield from editor.pieces(chunk)
        if editor.finished:
            return
