"""What can be wrong with a genome file or its index."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import FileRefused


class BadFormat(FileRefused):
    """The file is not of the format that it is taken for, or it is damaged."""


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Raise BadFormat for whatever a parser stumbles over in the block."""
    try:
        yield
    except (struct.error, EOFError, OSError, ValueError, IndexError, OverflowError) as error:
        raise BadFormat(f"not a readable {what}") from error
