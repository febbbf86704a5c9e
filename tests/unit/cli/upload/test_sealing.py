"""Parts of an object, sealed again and again."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.upload.identity import SourceChanged
from services.cli.upload.sealing import STEP, Piece, Sealing, step_for
from shared.crypto.header import seal_header
from shared.crypto.keys import generate
from shared.crypto.segments import CIPHER_SEGMENT, NONCE, SEGMENT
from shared.crypto.streams import decrypt_stream
from shared.errors import UserError
from shared.storage.sizes import MAX_OBJECT, MAX_PARTS

KEY = generate()
DATA_KEY = os.urandom(32)
HEADER = seal_header([DATA_KEY], [KEY.public])
SIZES = st.integers(0, 7 * SEGMENT) | st.sampled_from([SEGMENT - 1, SEGMENT, SEGMENT + 1, 4 * SEGMENT])


@contextmanager
def sealing_of(folder: Path, content: bytes, *, step: int, encrypted: bool = False) -> Iterator[Sealing]:
    path = folder / "source"
    path.write_bytes(content)
    file = os.open(path, os.O_RDONLY)
    try:
        yield Sealing(
            file=file,
            size=len(content),
            header=b"" if encrypted else HEADER,
            data_key=None if encrypted else DATA_KEY,
            step=step,
        )
    finally:
        os.close(file)


@given(size=SIZES, segments=st.integers(1, 3), seed=st.randoms())
def test_parts_of_different_runs_make_one_file_and_no_nonce_comes_twice(
    tmp_path_factory: pytest.TempPathFactory, size: int, segments: int, seed: object
) -> None:
    content = os.urandom(size)
    runs: list[dict[int, bytes]] = []
    with sealing_of(tmp_path_factory.mktemp("s"), content, step=segments * SEGMENT) as sealing:
        numbers = range(1, sealing.count + 1)
        for _ in range(2):
            pieces = {number: part_of(sealing, number) for number in numbers}
            for number, piece in pieces.items():
                assert len(piece.body) == sealing.part_size(number)
                assert piece.source == sealing.source_digest(number)
            runs.append({number: bytes(piece.body) for number, piece in pieces.items()})
        assert sealing.sealed_size == sum(len(body) for body in runs[0].values())
    mixed = b"".join(seed.choice(runs)[number] for number in numbers)  # type: ignore[attr-defined]
    assert opened(mixed) == content
    nonces = [nonce for run in runs for nonce in nonces_of(b"".join(run.values())[len(HEADER) :])]
    assert len(nonces) == len(set(nonces)) == 2 * -(-size // SEGMENT)


@given(size=SIZES, segments=st.integers(1, 3))
def test_what_is_encrypted_is_cut_and_not_changed(
    tmp_path_factory: pytest.TempPathFactory, size: int, segments: int
) -> None:
    content = os.urandom(size)
    with sealing_of(tmp_path_factory.mktemp("s"), content, step=segments * SEGMENT, encrypted=True) as sealing:
        assert b"".join(part_of(sealing, number).body for number in range(1, sealing.count + 1)) == content


def test_a_file_that_becomes_shorter_is_not_padded(tmp_path: Path) -> None:
    with sealing_of(tmp_path, os.urandom(3 * SEGMENT), step=2 * SEGMENT) as sealing:
        os.truncate(tmp_path / "source", SEGMENT)
        with pytest.raises(SourceChanged):
            part_of(sealing, 1)


def test_the_largest_file_fits_into_the_parts_that_s3_takes() -> None:
    largest = MAX_OBJECT * SEGMENT // CIPHER_SEGMENT - 2 * 2**20
    for size in (0, 1, STEP, MAX_PARTS * STEP, MAX_PARTS * STEP + 1, largest):
        step = step_for(size)
        assert step % SEGMENT == 0
        assert -(-size // step) <= MAX_PARTS
    assert step_for(10**9) == STEP
    with pytest.raises(UserError, match="5 TiB"):
        step_for(largest + 2**21)


def test_the_data_key_does_not_show() -> None:
    assert DATA_KEY.hex() not in repr(Sealing(file=0, size=0, header=b"", data_key=DATA_KEY, step=STEP))
    assert repr(DATA_KEY) not in repr(Sealing(file=0, size=0, header=b"", data_key=DATA_KEY, step=STEP))


def part_of(sealing: Sealing, number: int) -> Piece:
    return sealing.part(number, memoryview(bytearray(sealing.part_size(number))))


def opened(sealed: bytes) -> bytes:
    plain = bytearray()
    decrypt_stream(_Memory(sealed), plain.extend, [KEY])
    return bytes(plain)


def nonces_of(body: bytes) -> list[bytes]:
    return [body[start : start + NONCE] for start in range(0, len(body), CIPHER_SEGMENT)]


class _Memory:
    def __init__(self, content: bytes) -> None:
        self._stream = BytesIO(content)

    def readinto(self, buffer: memoryview, /) -> int:
        return self._stream.readinto(buffer)
