"""Crypt4GH 1.0 written a second time, plainly and from the specification, to compare with.

Only `cryptography` and `hashlib` are used, whole files are held in memory, and every part can be made wrong on purpose.
"""

import contextlib
import hashlib
import io
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from random import Random

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from shared.crypto.keys import PrivateKey, generate, load_private_key

SEGMENT = 65536
ALICE = generate()
BOB = generate()
SIZES = (0, 1, 65535, 65536, 65537, 3 * 65536, 2_500_000)
_SHARED_DATA = Path(__file__).parents[3].parent / "shared" / "data"


def data(size: int, seed: int = 0) -> bytes:
    return Random(seed).randbytes(size)


def data_key_payload(key: bytes, *, method: int = 0, padding: int = 0) -> bytes:
    return struct.pack("<II", 0, method) + key + bytes(padding)


def edit_list_payload(edits: Sequence[int], *, count: int | None = None, padding: int = 0) -> bytes:
    number = len(edits) if count is None else count
    return struct.pack(f"<II{len(edits)}Q", 1, number, *edits) + bytes(padding)


def seal_packet(payload: bytes, reader: bytes) -> bytes:
    writer = X25519PrivateKey.generate()
    writer_public = writer.public_key().public_bytes_raw()
    secret = writer.exchange(X25519PublicKey.from_public_bytes(reader))
    shared = hashlib.blake2b(secret + reader + writer_public).digest()[:32]
    nonce = os.urandom(12)
    sealed = ChaCha20Poly1305(shared).encrypt(nonce, payload, None)
    packet = bytes(4) + writer_public + nonce + sealed
    return struct.pack("<I", len(packet) + 4) + packet


def join_header(packets: Sequence[bytes], *, magic: bytes = b"crypt4gh", version: int = 1) -> bytes:
    return magic + struct.pack("<II", version, len(packets)) + b"".join(packets)


def make_header(payloads: Sequence[bytes], readers: Sequence[PrivateKey]) -> bytes:
    return join_header([seal_packet(payload, reader.public.raw) for reader in readers for payload in payloads])


def make_body(plain: bytes, data_keys: Sequence[bytes]) -> bytes:
    """Encrypt segment n with data key n, counted round and round."""
    body = b""
    for index, start in enumerate(range(0, len(plain), SEGMENT)):
        nonce = os.urandom(12)
        cipher = ChaCha20Poly1305(data_keys[index % len(data_keys)])
        body += nonce + cipher.encrypt(nonce, plain[start : start + SEGMENT], None)
    return body


def make_file(
    plain: bytes,
    readers: Sequence[PrivateKey] = (ALICE,),
    *,
    keys: int = 1,
    edits: Sequence[int] | None = None,
) -> tuple[bytes, bytes]:
    """Return header and body."""
    data_keys = [os.urandom(32) for _ in range(keys)]
    payloads = [data_key_payload(key) for key in data_keys]
    if edits is not None:
        payloads.append(edit_list_payload(edits))
    return make_header(payloads, readers), make_body(plain, data_keys)


def open_packets(header: bytes, reader: PrivateKey) -> list[bytes]:
    """Return the payloads that `reader` can open."""
    payloads, position = [], 16
    secret = X25519PrivateKey.from_private_bytes(reader.secret)
    for _ in range(struct.unpack_from("<I", header, 12)[0]):
        length = struct.unpack_from("<I", header, position)[0]
        packet = header[position + 8 : position + length]
        peer, nonce, sealed = packet[:32], packet[32:44], packet[44:]
        common = secret.exchange(X25519PublicKey.from_public_bytes(peer))
        shared = hashlib.blake2b(common + reader.public.raw + peer).digest()[:32]
        with contextlib.suppress(InvalidTag):
            payloads.append(ChaCha20Poly1305(shared).decrypt(nonce, sealed, None))
        position += length
    assert position == len(header)
    return payloads


def decrypt_body(body: bytes, data_key: bytes) -> bytes:
    cipher = ChaCha20Poly1305(data_key)
    segments = [body[start : start + SEGMENT + 28] for start in range(0, len(body), SEGMENT + 28)]
    return b"".join(cipher.decrypt(segment[:12], segment[12:], None) for segment in segments)


def edited(plain: bytes, edits: Sequence[int] | None) -> bytes:
    """The algorithm of section 4.2, as it stands there."""
    if not edits:
        return plain
    rest, output, position = list(edits), b"", 0
    while rest:
        position += rest.pop(0)
        if not rest:
            return output + plain[position:]
        keep = rest.pop(0)
        output += plain[position : position + keep]
        position += keep
    return output


class Trickle:
    """A source that never returns as much as was asked for, and counts what it gave."""

    def __init__(self, content: bytes, seed: int = 1) -> None:
        self._stream = io.BytesIO(content)
        self._random = Random(seed)
        self.given = 0

    def readinto(self, buffer: memoryview, /) -> int:
        most = max(1, min(len(buffer) - 1, self._random.choice((1, 7, 4096, 65563, 200_000))))
        count = self._stream.readinto(buffer[:most])
        self.given += count
        return count


def sample_file() -> tuple[bytes, PrivateKey, bytes]:
    """Return a file made by the stock tools, its reader, and its plaintext; a generated one where there is none."""
    stored = _SHARED_DATA / "htsnexus_test_NA12878.bam.c4gh"
    if stored.exists():
        reader = load_private_key(_SHARED_DATA / "keys" / "bob.sec", None)
        return stored.read_bytes(), reader, stored.with_suffix("").read_bytes()
    plain = data(2_596_799)
    return b"".join(make_file(plain)), ALICE, plain
