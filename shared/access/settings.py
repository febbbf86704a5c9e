"""Settings of access tokens and S3 credentials."""

from pathlib import Path

from pydantic import Field, SecretStr

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


class CredentialSettings(Settings):
    """What S3 credentials are made with."""

    credentials_secret: SecretStr = Field(
        min_length=32,
        description="Secret of the node that S3 credentials are made with, the same in all its processes; a new one "
        "ends all credentials that were issued.",
    )
