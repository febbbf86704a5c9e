"""Headers, files and messages made of what the fuzzer gives: right enough to get past the first check, wrong later."""

import json
import struct
from dataclasses import dataclass
from typing import Any

from atheris import FuzzedDataProvider

from tests.unit.crypto.reference import (
    ALICE,
    BOB,
    data,
    data_key_payload,
    edit_list_payload,
    join_header,
    make_file,
    seal_packet,
)
from tests.unit.messages.examples import VALID

SIZES = (0, 1, 65535, 65536, 65537, 2 * 65536, 2 * 65536 + 1)
NUMBERS = (0, 1, 2, 65535, 65536, 65537, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 10**30, 1.5, float("nan"), float("inf"), "", "x", "\x00", "\ud800", "\ufeff", "a" * 5000,
    [], {}, [[]], [None], {"type": "ingest"}, [{"type": "sha256", "value": "ab" * 32}], {"": {"": {"": []}}},
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """A file for ALICE whose body may be harmed."""

    plain: bytes
    edits: list[int]
    header: bytes
    unharmed: bytes
    body: bytes

    @property
    def is_cut(self) -> bool:
        """Whether the body is whole, or only its end is missing."""
        return self.unharmed.startswith(self.body)


def make_header(given: FuzzedDataProvider) -> bytes:
    """Make a header: noise, or sealed packets of which some bytes may be changed."""
    if given.ConsumeIntInRange(0, 3) == 0:
        return bytes(given.PickValueInList([b"", b"crypt4gh", b"crypt4gh\x01\0\0\0"]) + given.ConsumeBytes(400))
    packets = [_packet(given) for _ in range(given.ConsumeIntInRange(0, 5))]
    return _harmed(given, join_header(packets))


def make_sealed(given: FuzzedDataProvider) -> Sealed:
    """Make a file of any size, keys and edit list, and perhaps harm its body."""
    size = given.PickValueInList(list(SIZES)) if given.ConsumeBool() else given.ConsumeIntInRange(0, 200_000)
    plain, edits = data(size), make_edits(given) if given.ConsumeBool() else []
    if sum(edits) >= 2**63:
        edits = []
    header, body = make_file(plain, [ALICE], keys=given.ConsumeIntInRange(1, 3), edits=edits)
    return Sealed(plain=plain, edits=edits, header=header, unharmed=body, body=_harmed(given, body))


def make_edits(given: FuzzedDataProvider) -> list[int]:
    """Make an edit list."""
    return [_number(given) for _ in range(given.ConsumeIntInRange(0, 9))]


def make_message(given: FuzzedDataProvider) -> bytes:
    """Make the body of a message: noise, or a valid one in which some fields and bytes may be changed."""
    if given.ConsumeIntInRange(0, 3) == 0:
        return bytes(given.ConsumeBytes(400))
    message = dict(VALID[given.PickValueInList(sorted(VALID))])
    for _ in range(given.ConsumeIntInRange(0, 3)):
        name = given.PickValueInList([*sorted(message), "type", "operation", "more"])
        message[name] = _odd(given)
        if given.ConsumeBool():
            del message[name]
    text = json.dumps(message, ensure_ascii=given.ConsumeBool())
    return _harmed(
        given, text.encode(given.PickValueInList(["utf-8", "utf-8", "utf-8-sig", "utf-16"]), "surrogatepass")
    )


def _packet(given: FuzzedDataProvider) -> bytes:
    kind = given.ConsumeIntInRange(0, 5)
    if kind == 0:
        noise = bytes(given.ConsumeBytes(120))
        return struct.pack("<I", given.PickValueInList([len(noise) + 4, *NUMBERS[:8]])) + noise
    return seal_packet(_payload(given, kind), given.PickValueInList([ALICE, BOB]).public.raw)


def _payload(given: FuzzedDataProvider, kind: int) -> bytes:
    padding = given.ConsumeIntInRange(0, 20) if given.ConsumeBool() else 0
    match kind:
        case 1 | 2:
            key = given.ConsumeBytes(32).ljust(given.PickValueInList([32, 32, 32, 31, 0]), b"k")
            return data_key_payload(key, method=given.PickValueInList([0, 0, 0, 1, 2**32 - 1]), padding=padding)
        case 3 | 4:
            edits = make_edits(given)
            count = given.PickValueInList([len(edits), len(edits), 0, len(edits) + 1, 2**32 - 1])
            return edit_list_payload(edits, count=count, padding=padding)
        case _:
            return bytes(given.ConsumeBytes(60))


def _number(given: FuzzedDataProvider) -> int:
    picked: int = given.PickValueInList(list(NUMBERS)) if given.ConsumeBool() else given.ConsumeIntInRange(0, 100)
    return picked


def _odd(given: FuzzedDataProvider) -> Any:
    return given.PickValueInList(list(ODD)) if given.ConsumeBool() else given.ConsumeUnicode(40)


def _harmed(given: FuzzedDataProvider, content: bytes) -> bytes:
    """Cut, lengthen or change it somewhere; half of the time leave it as it is."""
    position = given.ConsumeIntInRange(0, len(content))
    match given.ConsumeIntInRange(0, 5):
        case 0:
            return content[:position]
        case 1:
            return content + bytes(given.ConsumeBytes(100))
        case 2:
            change = bytes(given.ConsumeBytes(8))
            return (content[:position] + change + content[position + len(change) :])[: len(content)]
        case _:
            return content
