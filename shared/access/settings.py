"""Settings of access tokens and S3 credentials."""

from pathlib import Path

from pydantic import Field, SecretStr

from shared.access.passports import Binding, DatasetIds
from shared.settings import Settings


class AccessSettings(Settings):
    """Whose access tokens are believed."""

    token_keys: tuple[Path, ...] = Field(
        default=(),
        description="PEM files of the keys that sign access tokens, P-256 (ES256) or RSA (RS256); of a private key "
        "only the public part is used. This or `STRONGROOM_TOKEN_JWKS` is needed.",
        examples=['["/run/secrets/token.pem"]'],
    )
    token_issuers: tuple[str, ...] = Field(
        default=(),
        description="Values of `iss` that are accepted of the keys in files; empty: any.",
        examples=['["https://login.example.org"]'],
    )
    token_jwks: dict[str, str] = Field(
        default={},
        description="Issuers of access tokens, and where each publishes its keys (JWKS); they sign for that `iss` "
        "alone, are asked for anew every 5 minutes, and at once for a key that is not known.",
        examples=['{"https://login.example.org": "https://login.example.org/.well-known/jwks.json"}'],
    )
    token_jwks_keep_hours: float = Field(
        default=24, gt=0, description="For so long the keys of an issuer that does not answer are used."
    )
    token_audiences: tuple[str, ...] = Field(
        default=(),
        description="Values of `aud` that are accepted, one of which a token must then carry; empty: any, and none.",
        examples=['["strongroom"]'],
    )


class PassportSettings(AccessSettings):
    """Whose visas are believed, and where they come from (GA4GH Passport 1.2)."""

    access_seconds: float = Field(
        default=60,
        gt=0,
        description="For so long it is remembered who bears a token and which visas they have: a visa that is taken "
        "back counts for so long. Grants of this node are asked for anew for every request.",
    )
    userinfo_url: str | None = Field(
        default=None,
        description="Where a log-in service tells who the bearer of a token is (OpenID Connect userinfo): asked for "
        "tokens that are not JWTs, and for the visas of its JWTs without any.",
        examples=["https://login.example.org/oidc/userinfo"],
    )
    userinfo_issuer: str | None = Field(
        default=None, description="The `iss` of that log-in service.", examples=["https://login.example.org"]
    )
    visa_issuers: dict[str, tuple[str, ...]] = Field(
        default={},
        description="Issuers of visas that are believed, and the addresses of their keys (`jku`); no other address is "
        "ever asked. None: visas grant nothing.",
        examples=['{"https://visas.example.org": ["https://visas.example.org/jwks.json"]}'],
    )
    visa_identity: Binding = Field(
        default=Binding.BROKER_BOUND,
        description="Which visas of a passport count: `broker-bound` all, `strict-sub` those with the `sub` of the "
        "token, `strict-iss-sub` those with its `iss` as well.",
    )
    visa_dataset_ids: DatasetIds = Field(
        default=DatasetIds.RAW,
        description="What the value of a visa is: `raw` the id of a dataset, `suffix` a URL or URN whose last part is.",
    )
    visa_most: int = Field(default=200, ge=1, description="Visas of one passport that are looked at.")
    visa_bytes: int = Field(default=16384, ge=1, description="Longest visa that is looked at, in bytes.")
    visa_key_sets: int = Field(default=10, ge=1, description="Sets of keys that one passport may need.")


class CredentialSettings(Settings):
    """What S3 credentials are made with."""

    credentials_secret: SecretStr = Field(
        min_length=32,
        description="Secret of the node that S3 credentials are made with, the same in all its processes; a new one "
        "ends all credentials that were issued.",
    )
