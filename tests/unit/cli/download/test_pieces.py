"""Pieces of a body that come in any order, decrypted to their places."""

import os
import random
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.cli.download import pieces
from services.cli.download.pieces import Decrypted, Encrypted, Target, count_of, span_of
from shared.crypto.errors import BodyDamaged
from shared.crypto.header import open_header, seal_header
from shared.crypto.keys import generate
from shared.crypto.segments import CIPHER_SEGMENT, SEGMENT, Encryptor
from shared.crypto.streams import decrypt_stream

KEY = generate()
DATA_KEY = os.urandom(32)
EDITS = st.none() | st.lists(st.integers(0, 2 * SEGMENT), min_size=1, max_size=6)


def sealed(content: bytes) -> bytes:
    segments = -(-len(content) // SEGMENT)
    cipher = memoryview(bytearray(len(content) + 28 * segments))
    Encryptor(DATA_KEY).encrypt(memoryview(content), cipher)
    return bytes(cipher)


def put_together(folder: Path, target: Target, body: bytes, seed: random.Random) -> bytes:
    file = os.open(folder / "result", os.O_RDWR | os.O_CREAT)
    try:
        target.prepare(file)
        numbers = list(range(count_of(len(body))))
        seed.shuffle(numbers)
        for number in numbers:
            offset, length = span_of(number, len(body))
            target.write(file, offset, memoryview(body)[offset : offset + length])
    finally:
        os.close(file)
    return (folder / "result").read_bytes()


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 3 * CIPHER_SEGMENT)
    monkeypatch.setattr(pieces, "_BATCH", 2 * CIPHER_SEGMENT)


@settings(deadline=None)
@given(size=st.integers(0, 8 * SEGMENT), edits=EDITS, seed=st.randoms(use_true_random=True))
def test_pieces_in_any_order_give_what_one_stream_gives(
    tmp_path_factory: pytest.TempPathFactory, size: int, edits: list[int] | None, seed: random.Random
) -> None:
    content = os.urandom(size)
    header, body = seal_header([DATA_KEY], [KEY.public], edits), sealed(content)
    whole = bytearray()
    decrypt_stream(_Memory(header + body), whole.extend, [KEY])
    target = Decrypted(open_header(header, [KEY]), len(body))
    result = put_together(tmp_path_factory.mktemp("d"), target, body, seed)
    assert result == bytes(whole)
    assert target.size == len(whole)


@given(size=st.integers(0, 8 * SEGMENT), seed=st.randoms(use_true_random=True))
def test_what_stays_encrypted_is_header_and_body(
    tmp_path_factory: pytest.TempPathFactory, size: int, seed: random.Random
) -> None:
    body = os.urandom(size)
    assert put_together(tmp_path_factory.mktemp("e"), Encrypted(b"header", size), body, seed) == b"header" + body


def test_damage_is_found_in_its_segment(tmp_path: Path) -> None:
    body = bytearray(sealed(os.urandom(7 * SEGMENT)))
    body[5 * CIPHER_SEGMENT + 100] ^= 1
    target = Decrypted(open_header(seal_header([DATA_KEY], [KEY.public]), [KEY]), len(body))
    with pytest.raises(BodyDamaged, match="segment 5"):
        put_together(tmp_path, target, bytes(body), random.Random(1))


class _Memory:
    def __init__(self, content: bytes) -> None:
        self._stream = BytesIO(content)

    def readinto(self, buffer: memoryview, /) -> int:
        return self._stream.readinto(buffer)
