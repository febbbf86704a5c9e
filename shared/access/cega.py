"""The users of Central EGA, asked one by one: `GET <endpoint>/<name>` with Basic authentication, JSON in answer.

Fields of the answer: `username`, `passwordHash` (bcrypt or crypt(3)), `sshPublicKey` (a list), `enabled`.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

import structlog
from urllib3.util import make_headers

from shared.access.users import CEGA, User, check_user_name, normal_ssh_key
from shared.database.types import now
from shared.errors import TransientError, UserError
from shared.http.client import Answer, ask

log = structlog.get_logger(__name__)

_MOST_ANSWERS = 10_000
_UNKNOWN_SECONDS = 30.0
"""So long an answer that there is no such user holds, or as long as any if that is shorter."""


class CentralEgaAway(TransientError):
    """Central EGA does not answer: nothing can be said about its users."""


class Word(NamedTuple):
    """What Central EGA said about a name, and until when that holds; None: there is no such user."""

    user: User | None
    until: datetime


class CentralEga:
    """Asks for users. An answer holds for `ttl` from when it came, however often it is used, and no longer."""

    def __init__(self, endpoint: str, *, user: str, password: str, ttl: timedelta) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._headers = make_headers(basic_auth=f"{user}:{password}")
        self._ttl = ttl
        self._words: OrderedDict[str, tuple[float, Word]] = OrderedDict()
        self._lock = threading.Lock()

    def word(self, name: str, *, afresh: bool = False) -> Word:
        """Return what is said about a user, `afresh`: by Central EGA itself. Raises CentralEgaAway."""
        known = None if afresh else self._known(name)
        return known or self._asked(name)

    def _known(self, name: str) -> Word | None:
        with self._lock:
            expires, word = self._words.get(name, (0.0, None))
        return word if time.monotonic() < expires else None

    def _asked(self, name: str) -> Word:
        try:
            check_user_name(name)
        except UserError:
            return Word(None, now() + self._ttl)
        user = self._ask(name)
        ttl = self._ttl if user else min(self._ttl, timedelta(seconds=_UNKNOWN_SECONDS))
        word = Word(user, now() + ttl)
        with self._lock:
            self._words[name] = (time.monotonic() + ttl.total_seconds(), word)
            self._words.move_to_end(name)
            if len(self._words) > _MOST_ANSWERS:
                self._words.popitem(last=False)
        return word

    def _ask(self, name: str) -> User | None:
        try:
            answer = ask(f"{self._endpoint}/{quote(name, safe='')}", headers=self._headers)
            return None if answer.status == 404 else _user(name, answer)
        except CentralEgaAway:
            raise
        except TransientError as error:
            raise CentralEgaAway(f"Central EGA: {error}") from error


def _user(name: str, answer: Answer) -> User | None:
    if answer.status != 200:
        raise CentralEgaAway(f"Central EGA answers with status {answer.status}")
    fields = answer.json()
    if not isinstance(fields, dict):
        raise CentralEgaAway("Central EGA's answer is no user")
    if fields.get("username") != name:
        log.warning("other_user_in_answer_of_central_ega")
        return None
    password_hash = fields.get("passwordHash")
    return User(
        name,
        password_hash if isinstance(password_hash, str) and password_hash else None,
        enabled=fields.get("enabled") is True,
        ssh_keys=frozenset(_keys(fields.get("sshPublicKey"))),
        source=CEGA,
    )


def _keys(listed: Any) -> Iterator[str]:  # noqa: ANN401 - whatever was sent
    """Yield the keys that are keys; one that is not must not keep the others out."""
    for key in listed if isinstance(listed, list) else [listed]:
        try:
            yield normal_ssh_key(str(key))
        except UserError:
            continue
