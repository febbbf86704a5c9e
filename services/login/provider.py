"""An OpenID provider: found by discovery, asked by authorization code and PKCE, believed after all checks.

Sources: OpenID Connect Core 1.0, sections 3.1.3.7 (validation of the ID token) and 5.3 (userinfo); OpenID Connect
Discovery 1.0; RFC 7636 (PKCE); RFC 9207 (`iss` in the answer).
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote_plus, urlencode

import jwt
from pydantic import BaseModel, ConfigDict, ValidationError
from urllib3.util import make_headers

from services.login.errors import ProviderRefused
from shared.access.jwks import IssuerKeys
from shared.access.tokens import LEEWAY
from shared.errors import TransientError
from shared.http.client import Answer, ask, get_json

_FRESH_SECONDS = 3600.0


class Person(NamedTuple):
    """Who has logged in at the provider: its lasting name for them, and the one for them here."""

    subject: str
    name: str


class Metadata(BaseModel):
    """What is needed of the provider's description of itself."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class Provider:
    """One provider, as one of its clients. All that asks it raises TransientError when it doesn't answer."""

    def __init__(self, issuer: str, *, client_id: str, client_secret: str | None, scopes: str, name_claim: str) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self._secret = client_secret
        self._scopes = scopes
        self._name_claim = name_claim
        self._metadata: tuple[float, Metadata, IssuerKeys] | None = None

    def authorization_url(self, *, redirect_uri: str, state: str, nonce: str, code_verifier: str) -> str:
        """Return where the browser is sent to."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "scope": self._scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = self._described()[0].authorization_endpoint
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def person(self, code: str, *, redirect_uri: str, nonce: str, code_verifier: str, issuer: str | None) -> Person:
        """Exchange a code for what the provider says of its holder. Raises ProviderRefused.

        issuer: `iss` as it came with the code, None if it did not.
        """
        metadata, keys = self._described()
        if issuer is not None and issuer != metadata.issuer:
            raise ProviderRefused
        answer = self._tokens(metadata, code, redirect_uri, code_verifier)
        claims = self._verified(answer.get("id_token"), keys, nonce)
        claims = {**self._userinfo(metadata, answer.get("access_token"), claims["sub"]), **claims}
        name = claims.get(self._name_claim)
        if not isinstance(name, str):
            raise ProviderRefused
        return Person(claims["sub"], name)

    def _described(self) -> tuple[Metadata, IssuerKeys]:
        at = time.monotonic()
        if self._metadata is None or at - self._metadata[0] > _FRESH_SECONDS:
            metadata = self._discover()
            self._metadata = (at, metadata, IssuerKeys(metadata.issuer, metadata.jwks_uri))
        return self._metadata[1:]

    def _discover(self) -> Metadata:
        try:
            found = Metadata.model_validate(get_json(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"))
        except ValidationError:
            raise TransientError("the OpenID provider's description of itself is not complete") from None
        if found.issuer != self.issuer:
            raise TransientError("the OpenID provider calls itself by another issuer than the settings")
        return found

    def _tokens(self, metadata: Metadata, code: str, redirect_uri: str, code_verifier: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self.client_id,
            "code_verifier": code_verifier,
        }
        headers: dict[str, str] = {}
        if self._secret is not None and "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            # form-encoded before it is base64 (RFC 6749, section 2.3.1)
            headers = make_headers(basic_auth=f"{quote_plus(self.client_id)}:{quote_plus(self._secret)}")
        elif self._secret is not None:
            form["client_secret"] = self._secret
        return _fields(ask(metadata.token_endpoint, method="POST", form=form, headers=headers))

    def _userinfo(self, metadata: Metadata, access_token: object, subject: str) -> Mapping[str, Any]:
        """Return what the provider says besides, if it says anything; of another person it says nothing."""
        if metadata.userinfo_endpoint is None or not isinstance(access_token, str):
            return {}
        info = _fields(ask(metadata.userinfo_endpoint, headers={"Authorization": f"Bearer {access_token}"}))
        if info.get("sub") != subject:
            raise ProviderRefused
        return info

    def _verified(self, token: object, keys: IssuerKeys, nonce: str) -> dict[str, Any]:
        """Return the claims of an ID token. Raises ProviderRefused."""
        try:
            claims = self._decoded(str(token), keys)
        except (jwt.PyJWTError, RecursionError, ValueError):
            raise ProviderRefused from None
        party = claims.get("azp", self.client_id)
        if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()) or party != self.client_id:
            raise ProviderRefused
        return claims

    def _decoded(self, token: str, keys: IssuerKeys) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        keys.refresh(header)
        for trusted in keys.candidates(header):
            try:
                return jwt.decode(
                    token,
                    trusted.key,
                    algorithms=[trusted.algorithm],
                    issuer=self.issuer,
                    audience=self.client_id,
                    leeway=LEEWAY,
                    options={"require": ["exp", "iat", "sub", "nonce"]},
                )
            except jwt.InvalidSignatureError:
                continue
        raise ProviderRefused


def _fields(answer: Answer) -> Mapping[str, Any]:
    if answer.status >= 500:
        raise TransientError(f"the OpenID provider answers with status {answer.status}")
    fields = answer.json() if answer.status == 200 else None
    if not isinstance(fields, dict):
        raise ProviderRefused
    return fields
