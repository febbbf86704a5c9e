"""What submitters send: small files, whole and broken."""

from dataclasses import dataclass

from shared.crypto.keys import generate
from tests.unit.crypto.reference import data, make_file

USER = "ann@example.org"
KEY = generate()
LARGE = 1000
"""Bytes from which files count as large (the tests lower the limit of the services), so that work takes a lease."""


@dataclass(frozen=True, repr=False)
class Content:
    """An upload, and what is to become of it."""

    name: str
    header: bytes
    body: bytes
    plain: bytes
    opens: bool = True
    """the archive's key opens the header"""
    whole: bool = True
    """all MACs are right"""

    @property
    def upload(self) -> bytes:
        return self.header + self.body

    @property
    def large(self) -> bool:
        return len(self.upload) >= LARGE

    def __repr__(self) -> str:
        return self.name


def _content(name: str, size: int, *, foreign: bool = False, flipped: bool = False) -> Content:
    plain = data(size)
    header, body = make_file(plain, [generate() if foreign else KEY])
    if flipped:
        body = body[:-1] + bytes([body[-1] ^ 1])
    return Content(name, header, body, plain, opens=not foreign, whole=not flipped)


_ALL = (
    _content("small", 7),
    _content("large", 2000),
    _content("flipped", 7, flipped=True),
    _content("large flipped", 2000, flipped=True),
    _content("foreign", 7, foreign=True),
    Content("noise", b"ACGT" * 10, b"", b"", opens=False),
)
CONTENTS = {content.name: content for content in _ALL}
