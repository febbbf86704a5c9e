"""How many bodies of one user come at once: one of them must not keep out all others."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from services.inbox.errors import Busy


class Admission:
    """Counts the bodies under way in this process; for one event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def one_more(self, user: str) -> Iterator[None]:
        """Let another body of this user in. Raises Busy."""
        if self._under_way[user] >= self._most:
            raise Busy(f"you send more than {self._most} files or parts at once: send fewer at the same time")
        self._under_way[user] += 1
        try:
            yield
        finally:
            self._under_way[user] -= 1
            if not self._under_way[user]:
                del self._under_way[user]
