"""What was learnt of files from their headers and indexes, kept for the next question."""

from collections import OrderedDict
from dataclasses import dataclass

from services.outbox.htsget.formats import Index, Outline
from shared.identifiers import FileId

LARGEST = 128 * 1024 * 1024
"""Bytes that are kept, about."""

_REFERENCE = 200
_ENTRY = 1000


@dataclass(frozen=True)
class Known:
    """Of a file, and of its index if there is one."""

    outline: Outline
    index: Index | None

    @property
    def weight(self) -> int:
        """Bytes of memory, about."""
        size = 0 if self.index is None else self.index.size
        return size + _REFERENCE * len(self.outline.references) + _ENTRY


@dataclass(frozen=True)
class Unusable:
    """Why a file and its index are of no use, so that they are not read again and again for that."""

    reason: str

    @property
    def weight(self) -> int:
        """Bytes of memory, about."""
        return _ENTRY


_Key = tuple[FileId, FileId | None]


class Knowledge:
    """Keeps it by the ids of file and index, whose content never changes; what was used least is forgotten first."""

    def __init__(self, *, largest: int = LARGEST) -> None:
        self._largest = largest
        self._kept: OrderedDict[_Key, Known | Unusable] = OrderedDict()
        self._size = 0

    def of(self, key: _Key) -> Known | Unusable | None:
        """Return what is known."""
        known = self._kept.get(key)
        if known is not None:
            self._kept.move_to_end(key)
        return known

    def keep(self, key: _Key, known: Known | Unusable) -> Known | Unusable:
        """Keep it, for the time being."""
        replaced = self._kept.pop(key, None)
        self._kept[key] = known
        self._size += known.weight - (replaced.weight if replaced else 0)
        while self._size > self._largest:
            _, forgotten = self._kept.popitem(last=False)
            self._size -= forgotten.weight
        return known
