"""Segments of a body: decrypted and encrypted in batches, between buffers that are used again and again.

Crypt4GH 1.0, section 3.4: nonce (12 bytes), ChaCha20 ciphertext (at most 65536 bytes), Poly1305 MAC (16 bytes).
"""

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from shared.crypto.errors import BodyDamaged, BodyTruncated

SEGMENT = 65_536
"""Plaintext bytes of a segment; only the last segment of a file may be shorter."""

NONCE = 12
OVERHEAD = NONCE + 16
"""What encryption adds to a segment: a nonce before it and a MAC of 16 bytes behind it."""

CIPHER_SEGMENT = SEGMENT + OVERHEAD

BATCH = 8
"""Segments per batch: 0.5 MiB, where hashing and reading are at full speed and the buffers fit the caches."""


def batch_for(size: int) -> int:
    """Return how many segments a batch of a body of `size` bytes should have: one more than it fills, if it is small.

    To make buffers of a whole batch takes longer than to decrypt a small file.
    """
    return min(BATCH, size // CIPHER_SEGMENT + 1)


def plain_buffer(segments: int = BATCH) -> memoryview:
    """Return a buffer for the plaintext of one batch."""
    return memoryview(bytearray(segments * SEGMENT))


def cipher_buffer(segments: int = BATCH) -> memoryview:
    """Return a buffer for the ciphertext of one batch."""
    return memoryview(bytearray(segments * CIPHER_SEGMENT))


class Decryptor:
    """Decrypts the segments of one body, in order; one thread at a time."""

    def __init__(self, data_keys: Sequence[bytes], *, first_segment: int = 0) -> None:
        self._ciphers = [ChaCha20Poly1305(key) for key in data_keys]
        self._segment = first_segment

    def decrypt(self, cipher: memoryview, plain: memoryview) -> int:
        """Decrypt a batch into `plain` and return the count of plaintext bytes.

        `cipher` holds whole segments; only the last batch of a body may end with a shorter one. What is in `plain`
        after an error is not verified and must not be used. Raises BodyDamaged and BodyTruncated.
        """
        written = 0
        for start in range(0, len(cipher), CIPHER_SEGMENT):
            sealed = cipher[start : start + CIPHER_SEGMENT]
            size = len(sealed) - OVERHEAD
            if size <= 0:
                raise BodyTruncated
            self._open(sealed, plain[written : written + size])
            written += size
            self._segment += 1
        return written

    def _open(self, sealed: memoryview, plain: memoryview) -> None:
        """Try the data keys, the one that fitted last first: most files have one, spliced ones have long runs."""
        for position, cipher in enumerate(self._ciphers):
            try:
                cipher.decrypt_into(sealed[:NONCE], sealed[NONCE:], None, plain)
            except InvalidTag:
                continue
            if position:
                self._ciphers.insert(0, self._ciphers.pop(position))
            return
        raise BodyDamaged(self._segment)


class Encryptor:
    """Encrypts segments with one data key."""

    def __init__(self, data_key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(data_key)

    def encrypt(self, plain: memoryview, cipher: memoryview) -> int:
        """Encrypt a batch into `cipher` and return the count of ciphertext bytes; a short segment ends the body."""
        written = 0
        for start in range(0, len(plain), SEGMENT):
            clear = plain[start : start + SEGMENT]
            nonce = os.urandom(NONCE)
            sealed = cipher[written : written + len(clear) + OVERHEAD]
            sealed[:NONCE] = nonce
            self._cipher.encrypt_into(nonce, clear, None, sealed[NONCE:])
            written += len(sealed)
        return written
