"""Headers that come out the same each time they are sealed (ADR 13).

So a broken download can be resumed at any replica, after any restart, without a table of what was handed out: the same
file for the same reader is the same stream of bytes, and has the same tag.

The writer's key and the nonces are derived (RFC 5869) from the archive's private key, the reader's key and the very
content that is sealed. Only the holder of the archive's key can do that, who can open the header anyway; and a key and
a nonce come again only with the same content, which then gives the same bytes and tells nobody anything new.
"""

import hashlib
import struct
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from shared.crypto.header import header_length, payloads_of
from shared.crypto.keys import PrivateKey, PublicKey

_PURPOSE = b"header for a reader, 1\0"
_START = b"crypt4gh" + struct.pack("<I", 1)
_X25519_CHACHA20_POLY1305 = struct.pack("<I", 0)
_SECRET = 32
_NONCE_START = 8


def seal_stably(
    data_keys: Sequence[bytes], reader: PublicKey, edit_list: Sequence[int] | None, *, archive: PrivateKey
) -> bytes:
    """Return the header that `reader` can open; the same arguments give the same bytes.

    Crypt4GH 1.0, section 3.2: a packet is method, writer's public key, nonce, and payload with its MAC; the key of its
    cipher is the first half of Blake2b over the X25519 product, the reader's and the writer's public key.
    Raises HeaderTooLarge when the archive itself would refuse the result.
    """
    payloads = payloads_of(data_keys, edit_list)
    secret, nonce_start = _derived(archive, reader, payloads)
    writer = X25519PrivateKey.from_private_bytes(secret)
    public = writer.public_key().public_bytes_raw()
    product = writer.exchange(X25519PublicKey.from_public_bytes(reader.raw))
    cipher = ChaCha20Poly1305(hashlib.blake2b(product + reader.raw + public).digest()[:32])
    parts = [_START, struct.pack("<I", len(payloads))]
    for number, payload in enumerate(payloads):
        nonce = nonce_start + struct.pack("<I", number)
        packet = _X25519_CHACHA20_POLY1305 + public + nonce + cipher.encrypt(nonce, payload, None)
        parts += [struct.pack("<I", len(packet) + 4), packet]
    header = b"".join(parts)
    header_length(header)
    return header


def _derived(archive: PrivateKey, reader: PublicKey, payloads: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return the writer's private key, and the first bytes of all nonces; a number makes each of them another."""
    content = hashlib.sha256()
    for payload in payloads:
        content.update(struct.pack("<Q", len(payload)) + payload)
    stream = archive.derived(_PURPOSE + reader.raw + content.digest(), _SECRET + _NONCE_START)
    return stream[:_SECRET], stream[_SECRET:]
