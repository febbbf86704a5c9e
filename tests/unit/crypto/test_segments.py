"""Batches of segments between given buffers."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from shared.crypto import segments
from shared.crypto.errors import BodyDamaged
from shared.crypto.segments import BATCH, CIPHER_SEGMENT, SEGMENT, Decryptor, Encryptor, cipher_buffer, plain_buffer
from tests.unit.crypto.reference import data, decrypt_body, make_body

KEYS = [os.urandom(32) for _ in range(3)]


def test_buffers_hold_one_batch() -> None:
    assert (SEGMENT, CIPHER_SEGMENT) == (65536, 65564)
    assert (len(plain_buffer()), len(cipher_buffer())) == (BATCH * SEGMENT, BATCH * CIPHER_SEGMENT)


@pytest.mark.parametrize("size", [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, BATCH * SEGMENT])
def test_batch_goes_there_and_back(size: int) -> None:
    clear, cipher, plain = data(size), cipher_buffer(), plain_buffer()
    written = Encryptor(KEYS[0]).encrypt(memoryview(clear), cipher)
    assert decrypt_body(bytes(cipher[:written]), KEYS[0]) == clear
    assert Decryptor(KEYS).decrypt(cipher[:written], plain) == size
    assert plain[:size] == clear


def test_no_nonce_is_used_twice() -> None:
    cipher, encryptor = cipher_buffer(), Encryptor(KEYS[0])
    nonces = set()
    for _ in range(2):
        encryptor.encrypt(plain_buffer(), cipher)
        nonces |= {bytes(cipher[start : start + 12]) for start in range(0, len(cipher), CIPHER_SEGMENT)}
    assert len(nonces) == 2 * BATCH


def test_key_that_fitted_last_is_tried_first(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    class Counting:
        def __init__(self, key: bytes) -> None:
            self._key = key

        def decrypt_into(self, nonce: memoryview, sealed: memoryview, extra: None, plain: memoryview) -> int:
            tried.append(self._key)
            return ChaCha20Poly1305(self._key).decrypt_into(nonce, sealed, extra, plain)

    monkeypatch.setattr(segments, "ChaCha20Poly1305", Counting)
    body = make_body(data(5 * SEGMENT), KEYS[2:]) + make_body(data(5 * SEGMENT), KEYS[:1])
    Decryptor(KEYS).decrypt(memoryview(body), plain_buffer(10))
    assert tried == [KEYS[0], KEYS[1], *[KEYS[2]] * 6, *[KEYS[0]] * 5]


def test_damage_is_counted_over_batches() -> None:
    body, plain = memoryview(make_body(data(2 * SEGMENT), KEYS[:1])), plain_buffer()
    decryptor = Decryptor(KEYS, first_segment=10)
    decryptor.decrypt(body, plain)
    with pytest.raises(BodyDamaged, match="segment 13 "):
        decryptor.decrypt(memoryview(bytes(body[:CIPHER_SEGMENT]) + bytes(CIPHER_SEGMENT)), plain)
