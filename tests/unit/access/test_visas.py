"""Visas count when all about them is right, and grant nothing otherwise."""

import base64
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from shared.access.passports import VISA, Binding, DatasetIds
from shared.access.signing_keys import key_id, public_jwk
from shared.access.visas import Identity, VisaLimits, VisaReader
from shared.database.types import now
from tests.unit.access.issuers import Issuer

EC_KEY, OTHER_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
RSA_KEY = rsa.generate_private_key(65537, 2048)
ME = Identity("https://login.example.org", "me")
DATASET = "EGAD00000000001"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as server:
        server.publish(
            *({**public_jwk(key.public_key()), "kid": key_id(key.public_key())} for key in (EC_KEY, RSA_KEY))
        )
        yield server


def claims(issuer: Issuer, said: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    grant = {
        "type": "ControlledAccessGrants",
        "value": DATASET,
        "source": "https://dac.example.org",
        "by": "dac",
        "asserted": int(now().timestamp()) - 100,
        **(said or {}),
    }
    found = {"iss": issuer.name, "sub": "me", "exp": now() + timedelta(hours=1), VISA: grant, **changes}
    return {name: value for name, value in found.items() if value is not None}


def signed(issuer: Issuer, content: dict[str, Any], *, key: Any = EC_KEY, alg: str = "ES256", **header: Any) -> str:
    named = {"kid": key_id(key.public_key()), "jku": issuer.url, **header}
    return jwt.encode(content, key, alg, headers={name: value for name, value in named.items() if value is not None})


def granted(issuer: Issuer, *visas: object, identity: Identity = ME, **options: Any) -> list[str]:
    reader = VisaReader({issuer.name: [issuer.url]}, **options)
    return [grant.dataset for grant in reader.granted(list(visas), identity)]


@pytest.mark.parametrize(("key", "alg"), [(EC_KEY, "ES256"), (RSA_KEY, "RS256")])
def test_right_visa_grants_its_dataset_until_it_expires(issuer: Issuer, key: Any, alg: str) -> None:
    content = claims(issuer)
    (found,) = VisaReader({issuer.name: [issuer.url]}).granted([signed(issuer, content, key=key, alg=alg)], ME)
    assert found == (DATASET, float(int(content["exp"].timestamp())))


def _unsigned(issuer: Issuer) -> str:
    return jwt.encode(claims(issuer), "", "none", headers={"jku": issuer.url})


def _signed_with_the_public_key(issuer: Issuer) -> str:
    """The classic confusion: the public key of a trusted issuer taken for the secret of an HMAC."""
    header = {"alg": "HS256", "typ": "JWT", "jku": issuer.url, "kid": key_id(RSA_KEY.public_key())}
    secret = json.dumps(public_jwk(RSA_KEY.public_key())).encode()
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    told = f"{encoded}.{signed(issuer, claims(issuer)).split('.')[1]}"
    mac = base64.urlsafe_b64encode(hmac.digest(secret, told.encode(), "sha256")).decode().rstrip("=")
    return f"{told}.{mac}"


def _changed(issuer: Issuer) -> str:
    head, content, signature = signed(issuer, claims(issuer, {"value": "EGAD00000000009"})).split(".")
    other = signed(issuer, claims(issuer)).split(".")[1]
    return f"{head}.{other}.{signature}" if other != content else ""


BAD: dict[str, Callable[[Issuer], object]] = {
    "unsigned": _unsigned,
    "signed with the public key": _signed_with_the_public_key,
    "changed": _changed,
    "signed by another key": lambda issuer: signed(issuer, claims(issuer), key=OTHER_KEY),
    "signed by another key under a known name": lambda issuer: signed(
        issuer, claims(issuer), key=OTHER_KEY, kid=key_id(EC_KEY.public_key())
    ),
    "expired": lambda issuer: signed(issuer, claims(issuer, exp=now() - timedelta(minutes=1))),
    "not yet valid": lambda issuer: signed(issuer, claims(issuer, nbf=now() + timedelta(minutes=5))),
    "without expiry": lambda issuer: signed(issuer, claims(issuer, exp=None)),
    "without subject": lambda issuer: signed(issuer, claims(issuer, sub=None)),
    "without issuer": lambda issuer: signed(issuer, claims(issuer, iss=None)),
    "of an unknown issuer": lambda issuer: signed(issuer, claims(issuer, iss="https://elsewhere.example.org")),
    "with keys elsewhere": lambda issuer: signed(issuer, claims(issuer), jku="http://127.0.0.1:1/jwks"),
    "without the place of its keys": lambda issuer: signed(issuer, claims(issuer), jku=None),
    "with conditions": lambda issuer: signed(
        issuer, claims(issuer, {"conditions": [[{"type": "AffiliationAndRole", "value": "const:x"}]]})
    ),
    "of another type": lambda issuer: signed(issuer, claims(issuer, {"type": "ResearcherStatus"})),
    "without source": lambda issuer: signed(issuer, claims(issuer, {"source": None})),
    "without who decided": lambda issuer: signed(issuer, claims(issuer, {"by": "nobody"})),
    "asserted in the future": lambda issuer: signed(issuer, claims(issuer, {"asserted": now().timestamp() + 999})),
    "not asserted": lambda issuer: signed(issuer, claims(issuer, {"asserted": None})),
    "asserted in words": lambda issuer: signed(issuer, claims(issuer, {"asserted": "today"})),
    "asserted true": lambda issuer: signed(issuer, claims(issuer, {"asserted": True})),
    "without value": lambda issuer: signed(issuer, claims(issuer, {"value": ""})),
    "with a value that is too long": lambda issuer: signed(issuer, claims(issuer, {"value": "x" * 256})),
    "with a value that is none": lambda issuer: signed(issuer, claims(issuer, {"value": ["x"]})),
    "not a visa": lambda issuer: signed(issuer, {n: v for n, v in claims(issuer).items() if n != VISA}),
    "a visa that is no object": lambda issuer: signed(issuer, {**claims(issuer), VISA: "x"}),
    "no text": lambda _: 5,
    "no token": lambda _: "a.b.c",
    "nested": lambda _: base64.urlsafe_b64encode(b"[" * 9000).decode() + ".e30.x",
    "too long": lambda issuer: signed(issuer, claims(issuer, filler="x" * 20_000)),
}


@pytest.mark.parametrize("kind", BAD)
def test_wrong_visa_grants_nothing_and_spoils_nothing(issuer: Issuer, kind: str) -> None:
    good = signed(issuer, claims(issuer, {"value": "EGAD00000000002"}))
    assert granted(issuer, BAD[kind](issuer), good) == ["EGAD00000000002"]


@pytest.mark.parametrize("passport", [None, "x", {}, [], 5])
def test_what_is_no_passport_grants_nothing(issuer: Issuer, passport: object) -> None:
    assert VisaReader({issuer.name: [issuer.url]}).granted(passport, ME) == []


def test_keys_are_asked_for_at_no_other_place_than_the_ones_that_are_trusted(issuer: Issuer) -> None:
    with Issuer() as other:
        other.publish(public_jwk(OTHER_KEY.public_key()))
        assert granted(issuer, signed(issuer, claims(issuer), key=OTHER_KEY, jku=other.url)) == []
        assert granted(issuer, signed(other, claims(other), key=OTHER_KEY)) == []
        assert other.asked == 0


def test_issuer_may_not_sign_for_another_trusted_one(issuer: Issuer) -> None:
    with Issuer() as other:
        other.publish(public_jwk(OTHER_KEY.public_key()))
        reader = VisaReader({issuer.name: [issuer.url], other.name: [other.url]})
        forged = signed(issuer, claims(issuer), key=OTHER_KEY, jku=other.url)
        assert reader.granted([forged], ME) == []


def test_last_slash_of_an_address_makes_no_difference(issuer: Issuer) -> None:
    reader = VisaReader({issuer.name + "/": [issuer.url]})
    assert len(reader.granted([signed(issuer, claims(issuer))], ME)) == 1


@pytest.mark.parametrize(
    ("binding", "subject", "own_issuer", "counts"),
    [
        (Binding.BROKER_BOUND, "another", False, True),
        (Binding.STRICT_SUB, "me", False, True),
        (Binding.STRICT_SUB, "another", True, False),
        (Binding.STRICT_ISS_SUB, "me", True, True),
        (Binding.STRICT_ISS_SUB, "me", False, False),
        (Binding.STRICT_ISS_SUB, "another", True, False),
    ],
)
def test_binding_says_whose_visas_count(
    issuer: Issuer, binding: Binding, subject: str, *, own_issuer: bool, counts: bool
) -> None:
    identity = Identity(issuer.name if own_issuer else "https://login.example.org", "me")
    visa = signed(issuer, claims(issuer, sub=subject))
    assert granted(issuer, visa, identity=identity, binding=binding) == ([DATASET] if counts else [])


@pytest.mark.parametrize(
    ("value", "dataset"),
    [
        ("https://ega-archive.org/datasets/EGAD1", "EGAD1"),
        ("https://ega-archive.org/datasets/EGAD1/", "EGAD1"),
        ("https://ega-archive.org/datasets/EGAD1?x=/y", "EGAD1"),
        ("urn:dataset:EGAD1", "EGAD1"),
        ("EGAD1", "EGAD1"),
    ],
)
def test_last_part_of_a_value_can_be_the_dataset(issuer: Issuer, value: str, dataset: str) -> None:
    visa = signed(issuer, claims(issuer, {"value": value}))
    assert granted(issuer, visa, ids=DatasetIds.SUFFIX) == [dataset]
    assert granted(issuer, visa) == [value]


def test_no_more_visas_and_key_sets_are_looked_at_than_the_limits_say(issuer: Issuer) -> None:
    visas = [signed(issuer, claims(issuer, {"value": f"D{number}"})) for number in range(5)]
    assert granted(issuer, *visas, limits=VisaLimits(visas=3)) == ["D0", "D1", "D2"]
    with Issuer() as other:
        other.publish(public_jwk(OTHER_KEY.public_key()))
        reader = VisaReader({issuer.name: [issuer.url], other.name: [other.url]}, limits=VisaLimits(key_sets=1))
        passport = [visas[0], signed(other, claims(other), key=OTHER_KEY), visas[1]]
        assert [grant.dataset for grant in reader.granted(passport, ME)] == ["D0", "D1"]
        assert other.asked == 0
