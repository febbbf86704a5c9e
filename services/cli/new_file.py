"""A file that appears under its name only when it is whole."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4


@contextmanager
def new_file(target: Path, mode: int) -> Iterator[BinaryIO]:
    """Yield a file to write; it replaces `target` at the end, and is gone if an error comes before. Raises OSError."""
    partial = target.with_name(f".{target.name}.{uuid4().hex}.part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
