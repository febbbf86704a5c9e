"""Properties of messages, read so that no sender can break our connection by them."""

import struct
from typing import Self

import pika
import pika.spec

_TABLE_LENGTH = 4
_SHORT_STRING = 255
"""Bytes that fit into a short string of AMQP 0-9-1, as correlation ids and routing keys are."""


class ForgivingProperties(pika.BasicProperties):  # type: ignore[misc] # pika has no types
    """Properties without their headers where pika can't read those.

    The broker takes dates beyond the year 9999, numbers that are none, and tables in tables in tables. On these pika
    raises in the midst of its connection, which is lost by that, again and again at each delivery of the message.
    """

    def decode(self, encoded: bytes, offset: int = 0) -> Self:
        """Read the properties that follow `offset`."""
        try:
            super().decode(encoded, offset)
        except (ArithmeticError, LookupError, ValueError, RecursionError, OSError, pika.exceptions.AMQPError):
            super().decode(_without_headers(encoded, offset))
        return self


def _without_headers(encoded: bytes, offset: int) -> bytes:
    """Empty the table of headers; before it there are the flags and up to two short strings (section 4.2.6.1)."""
    [flags] = struct.unpack_from(">H", encoded, offset)
    table = offset + 2
    for flag in (pika.BasicProperties.FLAG_CONTENT_TYPE, pika.BasicProperties.FLAG_CONTENT_ENCODING):
        if flags & flag:
            table += 1 + encoded[table]
    [length] = struct.unpack_from(">I", encoded, table)
    return encoded[offset:table] + bytes(_TABLE_LENGTH) + encoded[table + _TABLE_LENGTH + length :]


def read_properties_forgivingly() -> None:
    """Let pika read all properties in this way."""
    pika.spec.props[pika.BasicProperties.INDEX] = ForgivingProperties


def short(text: str) -> str:
    """Cut a text to what a short string takes."""
    return text.encode()[:_SHORT_STRING].decode(errors="ignore")
