"""Whole files, encrypted and decrypted from a source to a sink in constant memory."""

import os
from collections.abc import Callable, Iterator, Sequence

from shared.crypto.editlist import END, Editor, Interval, kept_intervals, narrow
from shared.crypto.header import OpenHeader, open_header, read_header, seal_header
from shared.crypto.keys import PrivateKey, PublicKey
from shared.crypto.ranges import cipher_range
from shared.crypto.reading import Reader, read_full
from shared.crypto.segments import SEGMENT, Decryptor, Encryptor, cipher_buffer, plain_buffer

Write = Callable[[bytes | memoryview], object]
"""Takes all of what it is given before it returns: the memory is used again afterwards."""

Progress = Callable[[int], object]
"""Is told the count of bytes read from the source so far."""


def encrypt_stream(
    source: Reader, write: Write, readers: Sequence[PublicKey], *, on_progress: Progress | None = None
) -> None:
    """Encrypt all of `source` with a new data key, so that each of `readers` can open the result."""
    data_key = os.urandom(32)
    write(seal_header([data_key], readers))
    metered, encryptor = _Metered(source, on_progress), Encryptor(data_key)
    plain, cipher = plain_buffer(), cipher_buffer()
    count = len(plain)
    while count == len(plain):
        count = read_full(metered, plain)
        if count:
            write(cipher[: encryptor.encrypt(plain[:count], cipher)])


def decrypt_stream(
    source: Reader,
    write: Write,
    keys: Sequence[PrivateKey],
    *,
    start: int | None = None,
    end: int | None = None,
    on_progress: Progress | None = None,
) -> None:
    """Decrypt the Crypt4GH file in `source`, its edit list applied.

    `start` and `end` choose a half-open range of bytes of the file as its reader sees it. Segments outside of it are
    not verified, and nothing is read behind it. Raises what open_header raises, BodyDamaged and BodyTruncated.
    """
    metered = _Metered(source, on_progress)
    opened = open_header(read_header(metered), keys)
    for piece in _plaintext(metered, opened, start or 0, end):
        write(piece)


class _Metered:
    """A source that tells how much was read from it."""

    def __init__(self, source: Reader, on_progress: Progress | None) -> None:
        self._source = source
        self._on_progress = on_progress
        self._count = 0

    def readinto(self, buffer: memoryview, /) -> int:
        count = self._source.readinto(buffer)
        self._count += count
        if self._on_progress is not None:
            self._on_progress(self._count)
        return count


def _plaintext(source: Reader, opened: OpenHeader, start: int, end: int | None) -> Iterator[memoryview]:
    """Yield the bytes that the edit list and the range keep; the pieces are valid until the next is asked for."""
    first, behind = _hull(narrow(kept_intervals(opened.edit_list), start, end))
    body_start, body_end = cipher_range(first, behind)
    plain, cipher = plain_buffer(), cipher_buffer()
    if not _skip(source, body_start, cipher):
        return
    position = first - first % SEGMENT
    decryptor = Decryptor(opened.data_keys, first_segment=position // SEGMENT)
    editor = Editor(narrow(kept_intervals(opened.edit_list), start, end), position=position)
    while body_start < body_end:
        count = read_full(source, cipher[: body_end - body_start])
        yield from editor.pieces(plain[: decryptor.decrypt(cipher[:count], plain)])
        body_start = body_start + count if count == len(cipher) else body_end


def _hull(kept: Iterator[Interval]) -> Interval:
    """Return the smallest interval that holds all others; an empty one when there are none."""
    first, behind = next(kept, (0, 0))
    for _, behind in kept:
        if behind == END:
            break
    return first, behind


def _skip(source: Reader, count: int, buffer: memoryview) -> bool:
    """Read over `count` bytes, in whole segments; whether the source has as many."""
    while count:
        step = buffer[: min(count, len(buffer))]
        if read_full(source, step) < len(step):
            return False
        count -= len(step)
    return True
