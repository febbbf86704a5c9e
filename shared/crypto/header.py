"""Headers: read under a cap, opened with one of our keys, sealed for new readers.

Crypt4GH 1.0, section 3.2: magic (8 bytes), version and packet count (4 bytes each, little-endian as all numbers), then
the packets, each led by its own length (4 bytes, counted in).
"""

import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from shared.crypto.editlist import END
from shared.crypto.errors import BadHeader, HeaderTooLarge, NoFittingKey, NotCrypt4GH
from shared.crypto.keys import PrivateKey, PublicKey, generate
from shared.crypto.library import packets, translated
from shared.crypto.reading import Reader, read_full

# A packet with a data key is 108 bytes, a piece in an edit list 16. So 1000 packets leave room for as many readers and
# fill 108 kB, and 256 KiB leave room for an edit list of 16 000 pieces, which takes 1.3 MB of memory when unpacked.
# Trying one key on 1000 packets takes about a tenth of a second.
MAX_HEADER = 2**18
MAX_PACKETS = 1000

# With n data keys a hostile file can make each segment cost n trials, so their number bounds the time of a decryption.
MAX_DATA_KEYS = 32

_MAGIC = b"crypt4gh"
_VERSION = 1
_START = 16
_LENGTH = 4
_SMALLEST_PACKET = 8
_DATA_KEY_PACKET = 0
_EDIT_LIST_PACKET = 1
_CHACHA20_POLY1305 = 0
_X25519_CHACHA20_POLY1305 = 0
_DATA_KEY = 32


@dataclass(frozen=True, kw_only=True)
class OpenHeader:
    """What a header says to the holder of a fitting key; its repr hides the data keys."""

    data_keys: tuple[bytes, ...] = field(repr=False)
    edit_list: tuple[int, ...] | None
    fingerprint: str
    """Of the private key that opened it."""


def read_header(reader: Reader) -> bytes:
    """Read exactly the header, not a byte of the body.

    Raises NotCrypt4GH, HeaderTooLarge and BadHeader.
    """
    header = bytearray()
    for needed in _lengths(header):
        piece = memoryview(bytearray(needed - len(header)))
        header += piece[: read_full(reader, piece)]
        if len(header) < needed:
            raise _ended_early(header)
    return bytes(header)


def header_length(prefix: bytes) -> int | None:
    """Return the length of the header that starts a file, or None while `prefix` is too short to tell.

    Raises NotCrypt4GH, HeaderTooLarge and BadHeader as soon as `prefix` shows it.
    """
    _check_magic(prefix)
    needed = 0
    for needed in _lengths(prefix):
        if needed > len(prefix):
            break
    return needed if needed <= len(prefix) else None


def open_header(header: bytes, keys: Sequence[PrivateKey]) -> OpenHeader:
    """Open all packets that one of `keys` fits; packets for other readers are passed over.

    Two of our keys may find the same data key or edit list in packets of their own: it counts once.
    Raises NotCrypt4GH, HeaderTooLarge, BadHeader and NoFittingKey.
    """
    data_keys: dict[bytes, str] = {}
    edit_lists: set[tuple[int, ...]] = set()
    for payload, fingerprint in _opened_packets(header, keys):
        if _number(payload, 0) == _DATA_KEY_PACKET:
            data_keys.setdefault(_data_key(payload), fingerprint)
        else:
            edit_lists.add(_edit_list(payload))
    _check_contents(data_keys, edit_lists)
    return OpenHeader(
        data_keys=tuple(data_keys),
        edit_list=next(iter(edit_lists), None) or None,
        fingerprint=next(iter(data_keys.values())),
    )


def seal_header(
    data_keys: Sequence[bytes], readers: Sequence[PublicKey], edit_list: Sequence[int] | None = None
) -> bytes:
    """Return a header that each of `readers` can open; the writer's key is made for it and forgotten.

    Raises HeaderTooLarge when the archive itself would refuse the result.
    """
    payloads = payloads_of(data_keys, edit_list)
    writer = generate().secret
    recipients = [(_X25519_CHACHA20_POLY1305, writer, reader.raw) for reader in readers]
    with translated(BadHeader()):
        sealed = [packet for payload in payloads for packet in packets.encrypt(payload, recipients)]
        header = bytes(packets.serialize(sealed))
    header_length(header)
    return header


def payloads_of(data_keys: Sequence[bytes], edit_list: Sequence[int] | None) -> list[bytes]:
    """Return what the packets of a header hold: each data key, then the edit list if there is one."""
    payloads = [bytes(packets.make_packet_data_enc(_CHACHA20_POLY1305, key)) for key in data_keys]
    if edit_list:
        payloads.append(bytes(packets.make_packet_data_edit_list(edit_list)))
    return payloads


def _lengths(start: bytes | bytearray) -> Iterator[int]:
    """Yield how many bytes are needed next; between two steps `start` has to grow to that. The last is the length."""
    yield _START
    _check_magic(start)
    if _number(start, 8) != _VERSION:
        raise NotCrypt4GH
    count = _number(start, 12)
    if count == 0:
        raise BadHeader
    if count > MAX_PACKETS:
        raise HeaderTooLarge
    end = _START
    for _ in range(count):
        yield end + _LENGTH
        end += _packet_length(start, end)
        if end > MAX_HEADER:
            raise HeaderTooLarge
    yield end


def _packet_length(start: bytes | bytearray, position: int) -> int:
    length = _number(start, position)
    if length < _SMALLEST_PACKET:
        raise BadHeader
    return length


def _check_magic(start: bytes | bytearray) -> None:
    if not _MAGIC.startswith(start[: len(_MAGIC)]):
        raise NotCrypt4GH


def _ended_early(header: bytearray) -> NotCrypt4GH | BadHeader:
    if not header:
        return NotCrypt4GH("The file is empty: check that the upload was complete and upload it again.")
    _check_magic(header)
    return BadHeader("The file ends inside its header: the upload is not complete. Upload the file again.")


def _opened_packets(header: bytes, keys: Sequence[PrivateKey]) -> Iterator[tuple[bytes, str]]:
    """Yield the payloads that one of `keys` opens, each with the fingerprint of that key."""
    if header_length(header) != len(header):
        raise BadHeader
    with translated(BadHeader()):
        sealed = list(packets.parse(io.BytesIO(header)))
    for packet in sealed:
        for key in keys:
            with translated(BadHeader()):
                payload = packets.decrypt_packet(packet, [(_X25519_CHACHA20_POLY1305, key.secret, None)])
            if payload is not None:
                yield bytes(payload), key.fingerprint
                break


def _data_key(payload: bytes) -> bytes:
    """Section 3.2.3: packet type, method, data key; padding may follow (section 3.2.1)."""
    if _number(payload, 4) != _CHACHA20_POLY1305:
        raise BadHeader(
            "The file is encrypted with a method other than ChaCha20-Poly1305, which this archive can't read."
        )
    key = payload[8 : 8 + _DATA_KEY]
    if len(key) != _DATA_KEY:
        raise BadHeader
    return key


def _edit_list(payload: bytes) -> tuple[int, ...]:
    """Section 3.2.4: packet type, number of lengths, lengths of 8 bytes; padding may follow (section 3.2.1)."""
    if _number(payload, 0) != _EDIT_LIST_PACKET:
        raise BadHeader("The header of the file holds a kind of packet that this archive does not know.")
    count = _number(payload, 4)
    if len(payload) < 8 + 8 * count:
        raise BadHeader
    edits: tuple[int, ...] = struct.unpack_from(f"<{count}Q", payload, 8)
    if sum(edits) >= END:
        raise BadHeader("The edit list in the header of the file reaches beyond any possible file.")
    return edits


def _check_contents(data_keys: dict[bytes, str], edit_lists: set[tuple[int, ...]]) -> None:
    if not data_keys:
        raise NoFittingKey
    if len(data_keys) > MAX_DATA_KEYS:
        raise HeaderTooLarge(f"The header of the file holds more than {MAX_DATA_KEYS} data keys: encrypt it with one.")
    if len(edit_lists) > 1:
        raise BadHeader("The header of the file holds more than one edit list, which the format forbids.")


def _number(data: bytes | bytearray, position: int) -> int:
    """Return the number at `position`; missing bytes are found by the checks of length that follow."""
    return int.from_bytes(data[position : position + 4], "little")
