"""The one read of verify: every MAC checked, every digest taken, in a single pass over the body."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from shared.crypto.cores import Cores
from shared.crypto.editlist import Editor, kept_intervals
from shared.crypto.header import OpenHeader, open_header
from shared.crypto.keys import PrivateKey
from shared.crypto.pipeline import Pipeline, Stage
from shared.crypto.reading import Reader, read_full
from shared.crypto.segments import BATCH, Decryptor, batch_for, cipher_buffer, plain_buffer


class Digest(Protocol):
    """A running hash, as `hashlib` makes them."""

    def update(self, data: memoryview | bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What a file proved to be; digests in lower-case hexadecimal digits by algorithm, sizes in bytes."""

    upload: dict[str, str]
    """Of header and body, as sent: sha256, and md5 if asked for."""
    archived: dict[str, str]
    """Of the body: sha256."""
    plain: dict[str, str]
    """Of the file as its reader sees it: sha256, and md5 unless not wanted."""
    body_size: int
    plain_size: int
    """Of the file as its reader sees it."""
    fingerprint: str
    """Of the key that opened the header."""


def examine(
    header: bytes,
    body: Reader,
    keys: Sequence[PrivateKey],
    *,
    md5_plain: bool = True,
    md5_upload: bool = False,
    size: int | None = None,
    cores: Cores | None = None,
) -> Examination:
    """Decrypt the whole body with one of `keys` and take the digests, in at most 3 MB of memory.

    All segments are decrypted and their MACs checked. An edit list is applied before the plaintext is hashed: the
    submitter's checksum is that of the file they see after decryption, and they never see what the list discards.
    A body cut between two segments shows by its size only. `size`: bytes that the body should have, so that a small
    one takes small buffers. `cores`: those of the process, of which the caller has one; without them the caller's
    thread does all, in 1 MB.
    Raises what open_header raises, BodyDamaged, BodyTruncated, and whatever the reader raises: so can a reader stop it.
    """
    upload = _hashes(md5=md5_upload)
    for digest in upload.values():
        digest.update(header)
    opened = open_header(header, keys)
    work = _Work(body=body, opened=opened, upload=upload, archived=_hashes(md5=False), plain=_hashes(md5=md5_plain))
    segments = BATCH if size is None else batch_for(size)
    Pipeline(
        make_slot=lambda: _Slot(cipher_buffer(segments), plain_buffer(segments)), fill=work.fill, stages=work.stages()
    ).run(cores)
    return work.result()


_EMPTY = memoryview(b"")


@dataclass
class _Slot:
    """The buffers of a batch and what is in them."""

    cipher: memoryview
    plain: memoryview
    sealed: memoryview = _EMPTY
    """The part of `cipher` that was read."""
    visible: memoryview = _EMPTY
    """The part of `plain` that is left by the edit list."""


class _Work:
    """The state that the stages share; each part of it is touched by one stage only."""

    def __init__(
        self,
        *,
        body: Reader,
        opened: OpenHeader,
        upload: dict[str, Digest],
        archived: dict[str, Digest],
        plain: dict[str, Digest],
    ) -> None:
        self._body = body
        self._upload, self._archived, self._plain = upload, archived, plain
        self._fingerprint = opened.fingerprint
        self._decryptor = Decryptor(opened.data_keys)
        self._editor = Editor(kept_intervals(opened.edit_list))
        self._body_size = 0
        self._plain_size = 0

    def stages(self) -> list[Stage[_Slot]]:
        """Return the stages in the order of a batch's life."""
        sealed = [Stage(work=partial(_hash_sealed, same)) for same in _by_algorithm(self._archived, self._upload)]
        decrypt = Stage(work=self.decrypt)
        plain = [Stage(work=partial(_hash_visible, digest), after=decrypt) for digest in self._plain.values()]
        return [*sealed, decrypt, *plain]

    def fill(self, slot: _Slot) -> bool:
        """Read the next batch; whether more may follow."""
        count = read_full(self._body, slot.cipher)
        slot.sealed = slot.cipher[:count]
        self._body_size += count
        return count == len(slot.cipher)

    def decrypt(self, slot: _Slot) -> None:
        """Decrypt a batch and apply the edit list."""
        count = self._decryptor.decrypt(slot.sealed, slot.plain)
        slot.visible = self._editor.compact(slot.plain[:count])
        self._plain_size += len(slot.visible)

    def result(self) -> Examination:
        """Return the findings, when all stages are done."""
        return Examination(
            upload=_hex(self._upload),
            archived=_hex(self._archived),
            plain=_hex(self._plain),
            body_size=self._body_size,
            plain_size=self._plain_size,
            fingerprint=self._fingerprint,
        )


def _hashes(*, md5: bool) -> dict[str, Digest]:
    names = ("sha256", "md5") if md5 else ("sha256",)
    return {name: hashlib.new(name, usedforsecurity=False) for name in names}


def _by_algorithm(*digests: dict[str, Digest]) -> list[list[Digest]]:
    """Group them: what needs the same bytes and takes as long is one stage, since a change of stages costs time."""
    names = dict.fromkeys(name for group in digests for name in group)
    return [[group[name] for group in digests if name in group] for name in names]


def _hex(digests: dict[str, Digest]) -> dict[str, str]:
    return {name: digest.hexdigest() for name, digest in digests.items()}


def _hash_sealed(digests: list[Digest], slot: _Slot) -> None:
    for digest in digests:
        digest.update(slot.sealed)


def _hash_visible(digest: Digest, slot: _Slot) -> None:
    digest.update(slot.visible)
