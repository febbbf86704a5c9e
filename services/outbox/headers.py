"""Headers re-encrypted to readers, and kept in memory for speed alone: made anew they are the same."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from shared.crypto.excerpt import excerpt
from shared.crypto.header import OpenHeader, open_header
from shared.crypto.keys import PrivateKey, PublicKey
from shared.crypto.ranges import plain_size
from shared.crypto.stable import seal_stably
from shared.http.ranges import RangeNotSatisfiable

LARGEST = 32 * 1024 * 1024
"""Bytes of all headers kept; one for one data key has 124."""

# digests, places in the dictionary and the like
_OVERHEAD = 500


class Coordinates(NamedTuple):
    """Bytes of the plaintext from `start` up to, but not with, `end` (None: to the end)."""

    start: int
    end: int | None


class Slice(NamedTuple):
    """`length` bytes of a body from `offset`."""

    offset: int
    length: int


class Sealed(NamedTuple):
    """A header for a reader, and the part of the body that goes with it."""

    header: bytes
    body: Slice


_Key = tuple[bytes, bytes, Coordinates | None]


class ReaderHeaders:
    """Re-encrypts headers; what was used least is forgotten first. For an event loop."""

    def __init__(self, keys: Sequence[PrivateKey], *, largest: int = LARGEST) -> None:
        self._keys = keys
        self._by_fingerprint = {key.fingerprint: key for key in keys}
        self._largest = largest
        self._kept: OrderedDict[_Key, Sealed] = OrderedDict()
        self._size = 0

    def sealed(self, reader: PublicKey, header: bytes, body_size: int, wanted: Coordinates | None) -> Sealed:
        """Return a header as uploaded, re-encrypted for `reader`, who sees what is `wanted` (None: all).

        Raises RangeNotSatisfiable where there is not a byte of that, and what `open_header` raises.
        """
        key = (hashlib.sha256(header).digest(), reader.raw, wanted)
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        return self._keep(key, self._seal(reader, header, body_size, wanted))

    def slice(self, header: bytes, body_size: int, wanted: Coordinates) -> Slice:
        """Return the part of the body that holds what is `wanted`. Raises as `sealed` does."""
        body, _ = _cut(self.opened(header), body_size, wanted)
        return body

    def opened(self, header: bytes) -> OpenHeader:
        """Return what a header as uploaded says. Raises what `open_header` raises."""
        return open_header(header, self._keys)

    def spliced(self, reader: PublicKey, opened: OpenHeader, edits: Sequence[int]) -> bytes:
        """Return a header for `reader` with an edit list of its own, for a stream that is made for one answer."""
        return seal_stably(opened.data_keys, reader, edits, archive=self._by_fingerprint[opened.fingerprint])

    def _seal(self, reader: PublicKey, header: bytes, body_size: int, wanted: Coordinates | None) -> Sealed:
        opened = self.opened(header)
        body, edits = _cut(opened, body_size, wanted)
        archive = self._by_fingerprint[opened.fingerprint]
        return Sealed(seal_stably(opened.data_keys, reader, edits, archive=archive), body)

    def _keep(self, key: _Key, sealed: Sealed) -> Sealed:
        self._kept[key] = sealed
        self._size += len(sealed.header) + _OVERHEAD
        while self._size > self._largest:
            _, forgotten = self._kept.popitem(last=False)
            self._size -= len(forgotten.header) + _OVERHEAD
        return sealed


def _cut(opened: OpenHeader, body_size: int, wanted: Coordinates | None) -> tuple[Slice, Sequence[int] | None]:
    if wanted is None:
        return Slice(0, body_size), opened.edit_list
    found = excerpt(opened.edit_list, body_size, wanted.start, wanted.end)
    if found is None:
        raise RangeNotSatisfiable(plain_size(body_size))
    return Slice(found.offset, found.length), found.edits
