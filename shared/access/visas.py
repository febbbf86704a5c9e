"""Visas: what others have granted a reader, as signed by them (GA4GH Passport 1.2).

https://github.com/ga4gh-duri/ga4gh-duri.github.io/blob/master/researcher_ids/ga4gh_passport_v1.md
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import jwt
import structlog

from shared.access.jwks import IssuerKeys
from shared.access.metrics import VISAS
from shared.access.passports import VISA, Binding, DatasetIds
from shared.access.tokens import LEEWAY
from shared.errors import UserError

log = structlog.get_logger(__name__)

_GRANTS = "ControlledAccessGrants"
_BY = frozenset({"self", "peer", "system", "so", "dac"})
_LONGEST_VALUE = 255


class VisaRefused(UserError):
    """This visa grants nothing here."""


class Identity(NamedTuple):
    """Someone as their log-in service names them."""

    issuer: str
    subject: str


class Granted(NamedTuple):
    """A dataset that may be read until a time, in seconds of the epoch."""

    dataset: str
    until: float


@dataclass(frozen=True, kw_only=True)
class VisaLimits:
    """How many visas are looked at, how long each may be, and how many sets of keys may be asked for."""

    visas: int = 200
    size: int = 16384
    key_sets: int = 10


class VisaReader:
    """Reads passports.

    issuers: those who are believed, each with the addresses (`jku`) of its keys: no other address is ever asked.
    """

    def __init__(
        self,
        issuers: Mapping[str, Iterable[str]],
        *,
        binding: Binding = Binding.BROKER_BOUND,
        ids: DatasetIds = DatasetIds.RAW,
        limits: VisaLimits = VisaLimits(),
    ) -> None:
        self._keys = {
            (_bare(issuer), _bare(jku)): IssuerKeys(issuer, jku) for issuer, jkus in issuers.items() for jku in jkus
        }
        self._binding = binding
        self._ids = ids
        self._limits = limits

    def granted(self, passport: object, identity: Identity) -> list[Granted]:
        """Return what the visas of a passport grant to this person; those that are refused grant nothing.

        May ask their issuers for keys, which takes seconds.
        """
        visas = passport if isinstance(passport, list) else []
        used: set[tuple[str, str]] = set()
        return list(self._all_granted(visas[: self._limits.visas], identity, used))

    def _all_granted(
        self, visas: Sequence[object], identity: Identity, used: set[tuple[str, str]]
    ) -> Iterator[Granted]:
        for visa in visas:
            try:
                found = self._read(visa, identity, used)
            except VisaRefused as refused:
                VISAS.labels("refused").inc()
                log.info("visa_refused", reason=str(refused))
                continue
            VISAS.labels("accepted" if found else "other").inc()
            if found:
                yield found

    def _read(self, visa: object, identity: Identity, used: set[tuple[str, str]]) -> Granted | None:
        """Return what a visa grants; None for a visa of another kind. Raises VisaRefused."""
        if not isinstance(visa, str) or len(visa) > self._limits.size:
            raise VisaRefused("it is no text, or too long")
        claims = self._verified(visa, used)
        self._check_binding(claims, identity)
        said = claims.get(VISA)
        if not isinstance(said, dict):
            raise VisaRefused("it has no claim that says what it is")
        if said.get("type") != _GRANTS:
            return None
        return Granted(self._dataset(_checked(said)), float(claims["exp"]))

    def _verified(self, visa: str, used: set[tuple[str, str]]) -> dict[str, Any]:
        """Return the claims, once the signature, the times and the issuer are known to be right."""
        try:
            header = jwt.get_unverified_header(visa)
            issuer = jwt.decode(visa, options={"verify_signature": False}).get("iss")
        except (jwt.PyJWTError, RecursionError, ValueError):
            raise VisaRefused("it cannot be read") from None
        keys = self._keys_of(issuer, header, used)
        keys.refresh(header)
        for trusted in keys.candidates(header):
            try:
                return dict(
                    jwt.decode(
                        visa,
                        trusted.key,
                        algorithms=[trusted.algorithm],
                        options={"require": ["exp", "iss", "sub"], "verify_aud": False},
                        leeway=LEEWAY,
                    )
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.PyJWTError as error:
                raise VisaRefused(f"its claims are not right: {type(error).__name__}") from None
        raise VisaRefused("no key of its issuer has signed it")

    def _keys_of(self, issuer: object, header: Mapping[str, Any], used: set[tuple[str, str]]) -> IssuerKeys:
        jku = header.get("jku")
        if not isinstance(issuer, str) or not isinstance(jku, str):
            raise VisaRefused("it does not name its issuer and the place of its keys")
        pair = _bare(issuer), _bare(jku)
        keys = self._keys.get(pair)
        if keys is None:
            raise VisaRefused("its issuer, or the place of its keys, is not one of those that are trusted")
        if len(used | {pair}) > self._limits.key_sets:
            raise VisaRefused("the passport needs too many sets of keys")
        used.add(pair)
        return keys

    def _check_binding(self, claims: Mapping[str, Any], identity: Identity) -> None:
        if self._binding is Binding.BROKER_BOUND:
            return
        if claims["sub"] != identity.subject:
            raise VisaRefused("it is another one's")
        if self._binding is Binding.STRICT_ISS_SUB and _bare(str(claims["iss"])) != _bare(identity.issuer):
            raise VisaRefused("it is of another issuer than the token")

    def _dataset(self, value: str) -> str:
        if self._ids is DatasetIds.RAW:
            return value
        url = urlsplit(value)
        path = url.path if url.scheme in {"http", "https"} else value
        found = path.rstrip("/").rpartition("/" if "/" in path.rstrip("/") else ":")[2]
        if not found:
            raise VisaRefused("its value names no dataset")
        return found


def _checked(said: Mapping[str, Any]) -> str:
    """Return the value of a grant that has all that the standard wants (section "Visa Type: ControlledAccessGrants").

    Conditions can make it depend on other visas. None are understood here, so a visa with any is refused.
    """
    value, source, asserted = (said.get(name) for name in ("value", "source", "asserted"))
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_VALUE or not value.isprintable():
        raise VisaRefused("its value is missing, or too long")
    if not isinstance(source, str) or not 0 < len(source) <= _LONGEST_VALUE:
        raise VisaRefused("it does not say whose decision it is")
    if said.get("by") not in _BY:
        raise VisaRefused("it does not say who decided")
    if isinstance(asserted, bool) or not isinstance(asserted, int | float):
        raise VisaRefused("it does not say when that was decided")
    if not 0 < asserted <= (datetime.now(UTC) + LEEWAY).timestamp():
        raise VisaRefused("it was decided in the future")
    if said.get("conditions"):
        raise VisaRefused("it has conditions")
    return value


def _bare(url: str) -> str:
    """Return an address without the last slash, which some write and others do not."""
    return url.rstrip("/")
