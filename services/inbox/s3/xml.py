"""S3's XML: answers written, requests read (Amazon S3 API Reference)."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from starlette.responses import Response

from services.inbox.s3.errors import S3Error

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
LONGEST = 4 * 1024 * 1024
"""Bytes of a request in XML: 10,000 parts, each with tag and checksum, take about half as many."""

Content: TypeAlias = "str | int | bool | Iterable[Element]"
Element: TypeAlias = tuple[str, Content]
"""An element by its name, and its text or the elements in it."""


def xml_response(root: str, content: Iterable[Element], *, status: int = 200, plain: bool = False) -> Response:
    """Make an answer of an element and what is in it; `plain`: without S3's namespace."""
    element = ET.Element(root) if plain else ET.Element(root, xmlns=NAMESPACE)
    _fill(element, content)
    body = ET.tostring(element, encoding="UTF-8", xml_declaration=True)
    return Response(body, status_code=status, media_type="application/xml")


def read_parts(document: bytes) -> list[tuple[int, str]]:
    """Read the parts of CompleteMultipartUpload: number, and tag without quotes. Raises S3Error."""
    return [_part(element) for element in _read(document, "CompleteMultipartUpload") if _local(element) == "Part"]


def read_keys(document: bytes) -> tuple[list[str], bool]:
    """Read the keys of DeleteObjects, and whether only failures are to be told. Raises S3Error."""
    root = _read(document, "Delete")
    keys = [_text(element, "Key") for element in root if _local(element) == "Object"]
    quiet = next((element.text or "" for element in root if _local(element) == "Quiet"), "")
    return keys, quiet.strip().lower() == "true"


def _part(element: ET.Element) -> tuple[int, str]:
    number = _text(element, "PartNumber").strip()
    if not (number.isascii() and number.isdigit() and len(number) <= 5):
        raise _malformed()
    return int(number), _text(element, "ETag").strip().strip('"')


def _read(document: bytes, name: str) -> ET.Element:
    # a document type is all that could make a small document large, or reach for other files
    if b"<!DOCTYPE" in document:
        raise _malformed()
    try:
        root = ET.fromstring(document)  # noqa: S314 - see above
    except (ET.ParseError, ValueError, LookupError):
        raise _malformed() from None
    if _local(root) != name:
        raise _malformed()
    return root


def _text(element: ET.Element, name: str) -> str:
    for inner in element:
        if _local(inner) == name:
            return inner.text or ""
    raise _malformed()


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _malformed() -> S3Error:
    return S3Error("MalformedXML", "the body is not the XML that this operation takes")


def _fill(element: ET.Element, content: Iterable[Element]) -> None:
    for name, inner in content:
        child = ET.SubElement(element, name)
        if isinstance(inner, bool):
            child.text = str(inner).lower()
        elif isinstance(inner, str | int):
            child.text = str(inner)
        else:
            _fill(child, inner)


def elements(*pairs: "tuple[str, Content | None]") -> Iterator[Element]:
    """Yield the elements that have a content."""
    for name, content in pairs:
        if content is not None:
            yield name, content
