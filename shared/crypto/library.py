"""The one door to the `crypt4gh` library: silenced, and its many kinds of exception turned into ours."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import crypt4gh.header
import crypt4gh.keys.c4gh

from shared.errors import StrongroomError

# The library logs private keys and data keys at DEBUG, and an error for each key that does not fit.
_logger = logging.getLogger("crypt4gh")
_logger.setLevel(logging.CRITICAL + 1)
_logger.propagate = False

packets = crypt4gh.header
key_files = crypt4gh.keys
key_format = crypt4gh.keys.c4gh

# What it was seen or may be expected to raise on hostile or damaged input; OSError is the caller's own business.
_LIBRARY_ERRORS = (
    SystemExit,
    AssertionError,
    BufferError,
    LookupError,
    NameError,
    OverflowError,
    RuntimeError,
    SystemError,
    TypeError,
    ValueError,
)


@contextmanager
def translated(refusal: StrongroomError) -> Iterator[None]:
    """Raise `refusal` in place of whatever the library throws inside the block."""
    try:
        yield
    except _LIBRARY_ERRORS as error:
        raise refusal from error
