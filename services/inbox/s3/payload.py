"""What a request says about its body: how long it is, how it is cut, and which digests it has to have."""

import re
from dataclasses import dataclass

from services.inbox.s3.checksums import announced_algorithm, checksum_header, decoded_md5
from services.inbox.s3.chunks import Form, SignatureChain
from services.inbox.s3.errors import S3Error
from services.inbox.s3.requests import S3Request
from services.inbox.s3.sigv4 import UNSIGNED, Signed

_SHA256 = re.compile("[0-9a-f]{64}")
_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
_TRAILER = "-TRAILER"
_STREAMING = frozenset({_SIGNED, _SIGNED + _TRAILER, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"})
_NUMBER = re.compile("[0-9]{1,15}")


@dataclass(frozen=True)
class Payload:
    """A body as it is announced.

    size: bytes of payload. form: how it is cut into chunks, None if it is not. sha256: its digest in hexadecimal, if
    that is known beforehand. md5: likewise, its octets. checksum: algorithm and value in base64, which is None if it
    is to follow the body.
    """

    size: int
    form: Form | None = None
    sha256: str | None = None
    md5: bytes | None = None
    checksum: tuple[str, str | None] | None = None


def read_payload(request: S3Request, mode: str, signed: Signed | None) -> Payload:
    """Read the headers; `mode` is `x-amz-content-sha256`. Raises S3Error.

    signed: the checked signature, from which those of the chunks go on; None if the client has shown a token instead,
    whose signatures nobody can check.
    """
    form = _form(mode, signed)
    md5 = request.header("content-md5")
    return Payload(
        size=_size(request, "content-length" if form is None else "x-amz-decoded-content-length"),
        form=form,
        sha256=mode if _SHA256.fullmatch(mode) else None,
        md5=None if md5 is None else decoded_md5(md5),
        checksum=_checksum(request, form),
    )


def _form(mode: str, signed: Signed | None) -> Form | None:
    if mode == UNSIGNED or _SHA256.fullmatch(mode):
        return None
    if mode not in _STREAMING:
        raise S3Error(
            "NotImplemented", "the body is signed in a way that the inbox does not know: use AWS4-HMAC-SHA256"
        )
    in_chunks = mode.startswith(_SIGNED)
    chain = SignatureChain(signed) if signed and in_chunks else None
    return Form(signed=in_chunks, trailer=mode.endswith(_TRAILER), chain=chain)


def _size(request: S3Request, header: str) -> int:
    value = request.header(header)
    if value is None:
        raise S3Error("MissingContentLength", f"send the size of the body beforehand, as {header}")
    if not _NUMBER.fullmatch(value):
        raise S3Error("InvalidArgument", f"{header} is not a number of bytes")
    return int(value)


def _checksum(request: S3Request, form: Form | None) -> tuple[str, str | None] | None:
    beforehand = checksum_header(request.headers)
    if beforehand is not None:
        return beforehand
    if form is None or not form.trailer:
        return None
    algorithm = announced_algorithm(request.header("x-amz-trailer"))
    return None if algorithm is None else (algorithm, None)
