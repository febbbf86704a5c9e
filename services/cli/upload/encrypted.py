"""Files that are encrypted already: they are sent as they are."""

import os

from services.cli.upload.sources import SUFFIX
from shared.crypto.errors import NotCrypt4GH
from shared.crypto.header import MAX_HEADER, header_length
from shared.errors import UserError

_FIXED = 16
"""Bytes of a header before its packets."""


def is_encrypted(file: int, size: int, name: str) -> bool:
    """Whether an open file is in the Crypt4GH format. Raises UserError if it only claims to be, or is not whole.

    For whom it is encrypted does not show in a file: the archive finds out.
    """
    try:
        length = header_length(os.pread(file, MAX_HEADER, 0)) if size >= _FIXED else 0
    except NotCrypt4GH:
        length = 0
    if length is None:
        raise UserError("the Crypt4GH file ends inside its header: it is not whole; encrypt the original again")
    if not length and name.endswith(SUFFIX):
        raise UserError(f"it ends in {SUFFIX} and is not a Crypt4GH file: rename it, or encrypt the original again")
    return bool(length)
