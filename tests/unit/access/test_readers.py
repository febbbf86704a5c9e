"""From a token to a reader: by its signature or by userinfo, with the visas that came with it, for a while."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from shared.access.grants import Reader
from shared.access.passports import PASSPORT, VISA
from shared.access.readers import Identify, Readers, Userinfo
from shared.access.signing_keys import public_jwk
from shared.access.tokens import NotAuthenticated, TokenVerifier
from shared.access.visas import VisaReader
from shared.database.types import now
from shared.errors import TransientError
from tests.unit.access.issuers import Issuer

TOKEN_KEY, VISA_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
DATASET = "EGAD00000000001"


@pytest.fixture
def service() -> Iterator[Issuer]:
    with Issuer() as server:
        server.publish(public_jwk(VISA_KEY.public_key()))
        yield server


def identify(service: Issuer, *, userinfo: bool = True, own_files: bool = False) -> Identify:
    return Identify(
        verifier=TokenVerifier([TOKEN_KEY.public_key()]),
        visas=VisaReader({service.name: [service.url]}),
        userinfo=Userinfo(service.name, service.userinfo) if userinfo else None,
        own_files=own_files,
        seconds=60,
    )


def token(service: Issuer, **changes: Any) -> str:
    content = {"iss": service.name, "sub": "me", "exp": now() + timedelta(hours=1), **changes}
    return jwt.encode(content, TOKEN_KEY, "ES256")


def visa(service: Issuer, *, dataset: str = DATASET, ttl: timedelta = timedelta(hours=1)) -> str:
    said = {
        "type": "ControlledAccessGrants",
        "value": dataset,
        "source": "https://dac.example.org",
        "by": "dac",
        "asserted": int(now().timestamp()),
    }
    content = {"iss": service.name, "sub": "me", "exp": now() + ttl, VISA: said}
    return jwt.encode(content, VISA_KEY, "ES256", headers={"jku": service.url})


def test_visas_in_the_token_count(service: Issuer) -> None:
    found = identify(service, userinfo=False)(token(service, **{PASSPORT: [visa(service)]}))
    assert (found.user, found.visas, found.owner) == ("me", (DATASET,), "")


def test_visas_of_a_token_without_any_are_asked_of_its_own_log_in_service(service: Issuer) -> None:
    asked = token(service)
    service.people[asked] = {"sub": "me", PASSPORT: [visa(service)]}
    assert identify(service)(asked).visas == (DATASET,)
    foreign = token(service, iss="https://another.example.org")
    service.people[foreign] = {"sub": "me", PASSPORT: [visa(service)]}
    assert identify(service)(foreign).visas == ()


def test_token_that_is_no_jwt_is_asked_about(service: Issuer) -> None:
    service.people["opaque"] = {"sub": "someone", PASSPORT: [visa(service)]}
    found = identify(service)("opaque")
    assert (found.user, found.visas) == ("someone", (DATASET,))
    with pytest.raises(NotAuthenticated):
        identify(service)("unknown")
    with pytest.raises(NotAuthenticated):
        identify(service, userinfo=False)("opaque")


@pytest.mark.parametrize("person", [{}, {"sub": ""}, {"sub": 5}, {"sub": "a\nb"}, {"sub": "x" * 300}])
def test_who_has_no_name_is_nobody(service: Issuer, person: dict[str, Any]) -> None:
    service.people["opaque"] = person
    with pytest.raises(NotAuthenticated):
        identify(service)("opaque")


def test_log_in_service_that_is_away_takes_visas_but_not_local_grants(service: Issuer) -> None:
    service.away = True
    found = identify(service)(token(service))
    assert (found.user, found.visas) == ("me", ())
    assert found.until < time.time() + 11
    with pytest.raises(TransientError):
        identify(service)("opaque")


def test_visa_is_no_access_token(service: Issuer) -> None:
    ask = identify(service)
    trusting = Identify(
        verifier=TokenVerifier([VISA_KEY.public_key()]),
        visas=ask.visas,
        userinfo=None,
        own_files=False,
        seconds=60,
    )
    with pytest.raises(NotAuthenticated):
        trusting(visa(service))


def test_answer_holds_no_longer_than_the_token_and_every_visa(service: Issuer) -> None:
    ask = identify(service, userinfo=False)
    assert ask(token(service)).until == pytest.approx(time.time() + 60, abs=3)
    assert ask(token(service, exp=now() + timedelta(seconds=9))).until <= time.time() + 9
    passport = [visa(service), visa(service, ttl=timedelta(seconds=5))]
    assert ask(token(service, **{PASSPORT: passport})).until <= time.time() + 5


def test_own_files_are_for_their_owner_where_the_node_says_so(service: Issuer) -> None:
    assert identify(service, own_files=True)(token(service)).owner == "me"


class Counting:
    """Counts how often somebody has to be identified."""

    def __init__(self) -> None:
        self.asked = 0
        self.seconds = 60.0

    def __call__(self, token: str) -> Reader:
        self.asked += 1
        if token == "bad":
            raise NotAuthenticated
        return Reader(user=token, until=time.time() + self.seconds)


def _ask(counting: Counting, *tokens: str, most: int = 100) -> list[str]:
    async def ask() -> list[str]:
        with ThreadPoolExecutor(1) as threads:
            readers = Readers(counting, threads, most=most)  # type: ignore[arg-type]
            return [(await readers.reader(token)).user for token in tokens]

    return asyncio.run(ask())


def test_reader_is_remembered_until_the_answer_is_old() -> None:
    counting = Counting()
    assert _ask(counting, "a", "a", "b", "a") == ["a", "a", "b", "a"]
    assert counting.asked == 2
    counting.seconds = -1
    _ask(counting, "c", "c")
    assert counting.asked == 4


def test_no_more_readers_are_remembered_than_the_limit_says() -> None:
    counting = Counting()
    _ask(counting, "a", "b", "c", "a", most=2)
    assert counting.asked == 4


@pytest.mark.parametrize("token", ["", "x" * 200_000, "bad"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(NotAuthenticated):
        _ask(Counting(), token)
