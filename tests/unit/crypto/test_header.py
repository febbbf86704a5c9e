"""Headers: opened like the reference and the stock library open them, and no hostile one gets through."""

import io
import os
import struct
import time
import tracemalloc

import crypt4gh.header
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.crypto.errors import BadHeader, HeaderTooLarge, NoFittingKey, NotCrypt4GH
from shared.crypto.header import (
    MAX_DATA_KEYS,
    MAX_HEADER,
    MAX_PACKETS,
    header_length,
    open_header,
    read_header,
    seal_header,
)
from shared.crypto.keys import PrivateKey, generate
from shared.errors import FileRefused
from tests.unit.crypto.reference import (
    ALICE,
    BOB,
    Trickle,
    data_key_payload,
    edit_list_payload,
    join_header,
    make_header,
    open_packets,
    seal_packet,
)

KEY = bytes(range(32))
OTHER_KEY = bytes(range(32, 64))
HEADER = make_header([data_key_payload(KEY)], [ALICE])


def test_header_of_the_reference_opens() -> None:
    payloads = [data_key_payload(KEY), data_key_payload(OTHER_KEY), edit_list_payload([5, 10, 7])]
    opened = open_header(make_header(payloads, [BOB, ALICE]), [ALICE])
    assert opened.data_keys == (KEY, OTHER_KEY)
    assert opened.edit_list == (5, 10, 7)
    assert opened.fingerprint == ALICE.fingerprint


def test_padded_packets_open() -> None:
    payloads = [data_key_payload(KEY, padding=40), edit_list_payload([1, 2], padding=9)]
    opened = open_header(make_header(payloads, [ALICE]), [ALICE])
    assert (opened.data_keys, opened.edit_list) == ((KEY,), (1, 2))


def test_empty_edit_list_is_none() -> None:
    header = make_header([data_key_payload(KEY), edit_list_payload([])], [ALICE])
    assert open_header(header, [ALICE]).edit_list is None


@pytest.mark.parametrize("keys", [[generate(), ALICE], [ALICE, BOB], [BOB, ALICE]])
def test_each_archive_key_is_tried_and_the_fitting_one_named(keys: list[PrivateKey]) -> None:
    assert open_header(HEADER, keys).fingerprint == ALICE.fingerprint


def test_header_for_two_of_our_keys_gives_each_data_key_once() -> None:
    header = make_header([data_key_payload(KEY), edit_list_payload([1])], [ALICE, BOB])
    opened = open_header(header, [BOB, ALICE])
    assert (opened.data_keys, opened.edit_list) == ((KEY,), (1,))
    assert opened.fingerprint == ALICE.fingerprint


@pytest.mark.parametrize("edits", [None, [3], [0, 7, 2**40, 9]])
def test_sealed_header_opens_for_each_reader_only(edits: list[int] | None) -> None:
    header = seal_header([KEY, OTHER_KEY], [ALICE.public, BOB.public], edits)
    payloads = [data_key_payload(KEY), data_key_payload(OTHER_KEY)] + ([edit_list_payload(edits)] if edits else [])
    assert sorted(open_packets(header, ALICE)) == sorted(open_packets(header, BOB)) == sorted(payloads)
    assert open_packets(header, generate()) == []


def test_stock_library_opens_a_sealed_header() -> None:
    header = seal_header([KEY], [ALICE.public], [1, 2, 3])
    keys, edits = crypt4gh.header.deconstruct(io.BytesIO(header), [(0, ALICE.secret, None)])
    assert [bytes(key) for key in keys] == [KEY]
    assert list(edits) == [1, 2, 3]


def test_header_of_the_stock_library_opens() -> None:
    payloads = [crypt4gh.header.make_packet_data_enc(0, KEY), crypt4gh.header.make_packet_data_edit_list([4, 5])]
    recipients = [(0, os.urandom(32), BOB.public.raw), (0, os.urandom(32), ALICE.public.raw)]
    packets = [packet for payload in payloads for packet in crypt4gh.header.encrypt(payload, recipients)]
    opened = open_header(crypt4gh.header.serialize(packets), [ALICE])
    assert (opened.data_keys, opened.edit_list) == ((KEY,), (4, 5))


def test_reencrypted_header_is_for_its_reader_alone() -> None:
    reader, stranger = generate(), generate()
    payloads = [data_key_payload(KEY), edit_list_payload([9, 1])]
    header = make_header(payloads, [stranger, ALICE])
    opened = open_header(header, [BOB, ALICE])
    result = seal_header(opened.data_keys, [reader.public], opened.edit_list)
    assert sorted(open_packets(result, reader)) == sorted(payloads)
    assert struct.unpack_from("<I", result, 12) == (2,)
    assert open_packets(result, ALICE) == open_packets(result, stranger) == []


def test_each_sealing_uses_a_writer_key_of_its_own() -> None:
    writers = {seal_header([KEY], [ALICE.public])[24:56] for _ in range(3)}
    assert len(writers) == 3
    assert ALICE.public.raw not in writers


def test_reading_stops_at_the_body() -> None:
    header = make_header([data_key_payload(KEY), data_key_payload(OTHER_KEY)], [BOB, ALICE])
    source = Trickle(header + b"body")
    assert read_header(source) == header
    assert source.given == len(header)


def test_length_is_told_as_soon_as_it_can_be_known() -> None:
    header = make_header([data_key_payload(KEY), edit_list_payload([1])], [ALICE])
    assert [header_length(header[:end]) for end in range(len(header))] == [None] * len(header)
    assert header_length(header) == header_length(header + b"body") == len(header)


def test_empty_file_is_called_empty() -> None:
    with pytest.raises(NotCrypt4GH, match="empty"):
        read_header(io.BytesIO(b""))


@pytest.mark.parametrize("content", [b"x", b"crypt3", b"##fileformat=VCFv4.2\n" * 10, HEADER[:8] + bytes(100)])
def test_other_formats_are_named_as_such(content: bytes) -> None:
    with pytest.raises(NotCrypt4GH, match="not in the Crypt4GH format"):
        read_header(io.BytesIO(content))
    with pytest.raises(NotCrypt4GH):
        header_length(content)


def test_other_version_is_refused() -> None:
    with pytest.raises(NotCrypt4GH):
        open_header(join_header([seal_packet(data_key_payload(KEY), ALICE.public.raw)], version=2), [ALICE])


@pytest.mark.parametrize("end", [1, 7, *range(8, 40), len(HEADER) - 1])
def test_header_cut_short_is_refused(end: int) -> None:
    with pytest.raises(BadHeader, match="not complete"):
        read_header(io.BytesIO(HEADER[:end]))
    with pytest.raises(BadHeader):
        open_header(HEADER[:end], [ALICE])


def test_bytes_behind_the_header_are_refused() -> None:
    with pytest.raises(BadHeader):
        open_header(HEADER + b"x", [ALICE])


def test_file_for_somebody_else_is_refused() -> None:
    with pytest.raises(NoFittingKey, match="not encrypted for this archive"):
        open_header(HEADER, [BOB])
    with pytest.raises(NoFittingKey):
        open_header(HEADER, [])


START = b"crypt4gh" + struct.pack("<I", 1)
HOSTILE = {
    "2^32-1 packets": (START + struct.pack("<II", 2**32 - 1, 108), HeaderTooLarge),
    "no packets": (START + struct.pack("<I", 0), BadHeader),
    "packet of 4 GiB": (START + struct.pack("<II", 1, 2**32 - 1), HeaderTooLarge),
    "packet of 0 bytes": (START + struct.pack("<II", 1, 0) + bytes(99), BadHeader),
    "packet of 3 bytes": (START + struct.pack("<II", 1, 3) + bytes(99), BadHeader),
    "packet of 7 bytes": (START + struct.pack("<II", 1, 7) + bytes(99), BadHeader),
    "packet without payload": (START + struct.pack("<II", 1, 8) + bytes(4), NoFittingKey),
    "packet of low order": (START + struct.pack("<II", 1, 108) + bytes(104), NoFittingKey),
    "short data key": (make_header([data_key_payload(KEY[:31])], [ALICE]), BadHeader),
    "no data key": (make_header([edit_list_payload([1, 2])], [ALICE]), NoFittingKey),
    "empty payload": (make_header([b""], [ALICE]), NoFittingKey),
    "payload of 2 bytes": (make_header([bytes(2)], [ALICE]), BadHeader),
    "unknown packet type": (make_header([struct.pack("<I", 7) + bytes(40)], [ALICE]), BadHeader),
    "unknown method": (make_header([data_key_payload(KEY, method=1)], [ALICE]), BadHeader),
    "edit list without its numbers": (make_header([edit_list_payload([1], count=2)], [ALICE]), BadHeader),
    "edit list of 2^32-1 numbers": (make_header([edit_list_payload([1], count=2**32 - 1)], [ALICE]), BadHeader),
    "edit list beyond all files": (make_header([edit_list_payload([2**63, 1])], [ALICE]), BadHeader),
    "two edit lists": (
        make_header([data_key_payload(KEY), edit_list_payload([1]), edit_list_payload([2])], [ALICE]),
        BadHeader,
    ),
    "too many data keys": (
        make_header([data_key_payload(os.urandom(32)) for _ in range(MAX_DATA_KEYS + 1)], [ALICE]),
        HeaderTooLarge,
    ),
    "too many packets": (join_header([bytes([68, 0, 0, 0]) + os.urandom(64)] * (MAX_PACKETS + 1)), HeaderTooLarge),
    "256 KiB for others": (
        join_header([struct.pack("<II", 260, 0) + os.urandom(252) for _ in range(MAX_PACKETS)]),
        NoFittingKey,
    ),
    "1 MiB for others": (
        join_header([struct.pack("<II", 1050, 0) + os.urandom(1042) for _ in range(MAX_PACKETS)]),
        HeaderTooLarge,
    ),
    "more than 256 KiB": (join_header([struct.pack("<II", MAX_HEADER, 0) + bytes(MAX_HEADER)]), HeaderTooLarge),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_header_is_refused_in_bounded_time_and_memory(name: str) -> None:
    content, expected = HOSTILE[name]
    source = io.BytesIO(content)
    started = time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(expected):
            open_header(read_header(source), [ALICE])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * MAX_HEADER
    assert time.monotonic() - started < 5


def test_header_that_we_would_refuse_is_not_written() -> None:
    with pytest.raises(HeaderTooLarge):
        seal_header([KEY, OTHER_KEY], [ALICE.public] * (MAX_PACKETS // 2 + 1))


@settings(max_examples=60, deadline=None)
@given(position=st.integers(0, len(HEADER) - 1), bit=st.integers(0, 7))
def test_no_flipped_bit_goes_unnoticed(position: int, bit: int) -> None:
    flipped = bytearray(HEADER)
    flipped[position] ^= 1 << bit
    with pytest.raises(FileRefused):
        open_header(read_header(io.BytesIO(bytes(flipped))), [ALICE])


@settings(max_examples=60, deadline=None)
@given(noise=st.binary(max_size=300))
def test_noise_behind_the_magic_ends_in_one_of_our_errors(noise: bytes) -> None:
    with pytest.raises(FileRefused):
        open_header(read_header(io.BytesIO(START + noise)), [ALICE])


def test_repr_hides_data_keys() -> None:
    text = repr(open_header(HEADER, [ALICE]))
    assert KEY.hex() not in text
    assert repr(KEY) not in text
    assert ALICE.fingerprint in text
