"""Re-encrypted headers, kept for a while so that a broken download can be resumed: each re-encryption differs."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from shared.crypto.header import reencrypt_header
from shared.crypto.keys import PrivateKey, PublicKey

LARGEST = 32 * 1024 * 1024
"""Bytes of all headers kept; one for one data key has 124."""

# digests, places in the dictionary and the like
_OVERHEAD = 400


class _Kept(NamedTuple):
    header: bytes
    until: float


_Key = tuple[bytes, bytes]


class ReaderHeaders:
    """Re-encrypts headers and remembers the result by header and reader, for `seconds`, least used forgotten first.

    Only the reader can open what is kept here. Several threads may use it.
    """

    def __init__(
        self,
        keys: Sequence[PrivateKey],
        *,
        seconds: float,
        largest: int = LARGEST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = keys
        self._seconds = seconds
        self._largest = largest
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._size = 0

    def header_for(self, reader: PublicKey, header: bytes) -> bytes:
        """Return a header as uploaded, re-encrypted for `reader`. Raises what reencrypt_header raises."""
        key = (hashlib.sha256(header).digest(), reader.raw)
        with self._lock:
            kept = self._fresh(key)
        return kept or self._keep(key, reencrypt_header(header, self._keys, reader))

    def _fresh(self, key: _Key) -> bytes | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.until <= self._clock():
            self._forget(key)
            return None
        self._kept.move_to_end(key)
        return kept.header

    def _keep(self, key: _Key, header: bytes) -> bytes:
        """Keep a header, unless another thread was faster: then its one counts."""
        with self._lock:
            earlier = self._fresh(key)
            if earlier is not None:
                return earlier
            self._kept[key] = _Kept(header, self._clock() + self._seconds)
            self._size += len(header) + _OVERHEAD
            while self._size > self._largest:
                self._forget(next(iter(self._kept)))
        return header

    def _forget(self, key: _Key) -> None:
        self._size -= len(self._kept.pop(key).header) + _OVERHEAD
