"""Bodies in chunks: taken apart wherever they are cut, and every signature is checked."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inbox.s3.chunks import ChunkDecoder, Form, SignatureChain
from services.inbox.s3.errors import S3Error
from services.inbox.s3.sigv4 import Signed, SigningScope, sign, signing_key

# Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring Payload in Multiple
# Chunks", whose example signs 65 KiB of the letter a in two chunks
SCOPE = SigningScope("20130524", "us-east-1")
SEED = Signed(
    signing_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", SCOPE),
    SCOPE,
    "20130524T000000Z",
    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
)
EXAMPLE = b"".join((
    b"10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n",
    b"a" * 65536,
    b"\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n",
    b"a" * 1024,
    b"\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n",
))  # fmt: skip


def decoder(*, trailer: bool = False) -> ChunkDecoder:
    return ChunkDecoder(Form(signed=True, trailer=trailer, chain=SignatureChain(SEED)))


def unsigned() -> ChunkDecoder:
    return ChunkDecoder(Form(signed=False, trailer=True, chain=None))


def decoded(by: ChunkDecoder, body: bytes, cuts: list[int]) -> bytes:
    ends = [*sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    begin, found = 0, b""
    for end in ends:
        found += b"".join(by.feed(memoryview(body)[begin:end]))
        begin = end
    return found


@given(st.lists(st.integers(0, 70_000), max_size=6))
def test_amazons_example_is_taken_wherever_it_is_cut(cuts: list[int]) -> None:
    by = decoder()
    assert decoded(by, EXAMPLE, cuts) == b"a" * 66560
    assert by.complete


@pytest.mark.parametrize("place", [30, 100, 65000, 65640, 66000, len(EXAMPLE) - 10])
def test_every_changed_byte_is_found(place: int) -> None:
    damaged = bytearray(EXAMPLE)
    damaged[place] ^= 1
    with pytest.raises(S3Error):
        decoded(decoder(), bytes(damaged), [])


def test_chunks_that_change_places_are_found() -> None:
    line = EXAMPLE.index(b"\r\n400;") + 2
    last = EXAMPLE.index(b"0;chunk-signature=b6c6")
    with pytest.raises(S3Error) as caught:
        decoded(decoder(), EXAMPLE[line:last] + EXAMPLE[:line] + EXAMPLE[last:], [])
    assert caught.value.code == "SignatureDoesNotMatch"


def test_body_that_ends_early_is_not_complete() -> None:
    by = decoder()
    decoded(by, EXAMPLE[:-40], [])
    assert not by.complete


def test_signed_trailer_is_checked() -> None:
    lines = b"x-amz-checksum-crc32c:sOO8/Q==\n"
    digest = hashlib.sha256(b"abc").hexdigest()
    empty = hashlib.sha256(b"").hexdigest()
    first = sign(SEED.key, "AWS4-HMAC-SHA256-PAYLOAD", SEED.at, SCOPE, SEED.signature, empty, digest)
    last = sign(SEED.key, "AWS4-HMAC-SHA256-PAYLOAD", SEED.at, SCOPE, first, empty, empty)
    trailer = sign(SEED.key, "AWS4-HMAC-SHA256-TRAILER", SEED.at, SCOPE, last, hashlib.sha256(lines).hexdigest())
    body = (
        f"3;chunk-signature={first}\r\nabc\r\n0;chunk-signature={last}\r\nx-amz-checksum-crc32c:sOO8/Q==\r\n"
        f"x-amz-trailer-signature:{trailer}\r\n\r\n"
    ).encode()
    by = decoder(trailer=True)
    assert decoded(by, body, [10, 90, 200]) == b"abc"
    assert by.complete
    assert by.trailers["x-amz-checksum-crc32c"] == "sOO8/Q=="
    with pytest.raises(S3Error):
        decoded(decoder(trailer=True), body.replace(b"sOO8", b"sOO9"), [])


@given(st.lists(st.integers(0, 100), max_size=8))
def test_unsigned_chunks_with_a_trailer_are_taken_wherever_they_are_cut(cuts: list[int]) -> None:
    by = unsigned()
    body = b"5\r\nabcde\r\n3\r\nfgh\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
    assert decoded(by, body, cuts) == b"abcdefgh"
    assert by.trailers == {"x-amz-checksum-crc32": "AAAAAA=="}
    assert by.complete


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\n",
        b"-1\r\n",
        b"fffffffffffffffffffff\r\n",
        b"3;chunk-signature=" + b"0" * 64 + b"\r\nabc\r\n",
        b"3\nabc",
        b"3\r\nabcd\r\n",
        b"a" * 3000,
        b"0\r\n\r\nmore",
        b"0\r\n" + b"a:b\r\n" * 20,
    ],
)
def test_what_is_not_cut_as_it_says_is_refused(body: bytes) -> None:
    with pytest.raises(S3Error):
        decoded(unsigned(), body, [])


def test_chunks_without_a_signature_are_refused_where_they_have_to_be_signed() -> None:
    with pytest.raises(S3Error):
        decoded(decoder(), b"3\r\nabc\r\n0\r\n\r\n", [])
