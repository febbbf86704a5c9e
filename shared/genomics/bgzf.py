"""BGZF: gzip in blocks that can be read each by itself, and positions in it.

SAM specification (SAMv1), section 4.1. A virtual offset (section 4.1.1) is the position of a block in the file, times
65536, plus a position in what the block holds.
"""

import gzip
import io
import struct
import zlib
from bisect import bisect_right

from shared.genomics.errors import BadFormat, reading

LARGEST_BLOCK = 65_536
"""Bytes of a block, and bytes that it holds, at most."""

EOF = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block at the end of every file."""

_MAGIC = b"\x1f\x8b"
_START = b"\x1f\x8b\x08\x04"
_HEAD = _START + bytes(5) + b"\xff\x06\x00BC\x02\x00"
# the largest content that fits a block even where it can't be compressed; the number is that of htslib
_MOST_CONTENT = 0xFF00
_GZIP = 31


def block_size(data: bytes, at: int = 0) -> int:
    """Return the size of the block that begins at `at`. Raises BadFormat."""
    if data[at : at + 4] != _START:
        raise BadFormat("there is no BGZF block")
    field, end = at + 12, at + 12 + _short(data, at + 10)
    while field < end:
        if data[field : field + 4] == b"BC\x02\x00":
            return _short(data, field + 4) + 1
        field += 4 + _short(data, field + 2)
    raise BadFormat("a gzip member is no BGZF block")


def inflate(data: bytes, at: int = 0) -> bytes:
    """Return what the block at `at` holds, its checksum compared. Raises BadFormat."""
    size, inflater = block_size(data, at), zlib.decompressobj(_GZIP)
    block = data[at : at + size]
    try:
        content = inflater.decompress(block, LARGEST_BLOCK)
    except zlib.error as error:
        raise BadFormat("a BGZF block is damaged") from error
    if len(block) < size or not inflater.eof or inflater.unused_data:
        raise BadFormat("a BGZF block is not whole")
    return content


def deflate(content: bytes) -> bytes:
    """Return blocks that hold this."""
    return b"".join(_block(content[at : at + _MOST_CONTENT]) for at in range(0, len(content), _MOST_CONTENT))


def gunzip(data: bytes, *, most: int) -> bytes:
    """Return what a gzip file of one or many members holds, or what is not compressed as it is.

    Raises BadFormat for damaged files, and for those that hold more than `most` bytes.
    """
    if not data.startswith(_MAGIC):
        return data
    try:
        with reading("gzip file"), gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            content = file.read(most + 1)
    except zlib.error as error:
        raise BadFormat("a gzip file is damaged") from error
    if len(content) > most:
        raise BadFormat(f"a compressed file holds more than {most} bytes")
    return content


class Unpacked:
    """The beginning of a BGZF file, unpacked as far as it has been read, but not further than `most` bytes."""

    def __init__(self, *, most: int) -> None:
        self.content = bytearray()
        self.blocks_end = 0
        """Position in the file behind the last block that was unpacked."""
        self._most = most
        self._rest = b""
        self._positions: list[int] = []
        self._contents: list[int] = []

    def feed(self, data: bytes) -> None:
        """Unpack all whole blocks of the next bytes of the file. Raises BadFormat, also where that is too much."""
        data, at = self._rest + data, 0
        while len(data) - at >= len(EOF) and (size := block_size(data, at)) <= len(data) - at:
            self._positions.append(self.blocks_end)
            self._contents.append(len(self.content))
            self.content += inflate(data, at)
            if len(self.content) > self._most:
                raise BadFormat(f"more than {self._most} bytes would have to be unpacked")
            at += size
            self.blocks_end += size
        self._rest = data[at:]

    def virtual_offset(self, position: int) -> int:
        """Return the virtual offset of a position in the content."""
        if position == len(self.content):
            return self.blocks_end << 16
        block = bisect_right(self._contents, position) - 1
        return self._positions[block] << 16 | position - self._contents[block]


def _block(content: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-15)
    packed = deflater.compress(content) + deflater.flush()
    size = len(_HEAD) + 2 + len(packed) + 8
    return _HEAD + struct.pack("<H", size - 1) + packed + struct.pack("<II", zlib.crc32(content), len(content))


def _short(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")
