"""Settings of access tokens."""

from pathlib import Path

from pydantic import Field

from shared.settings import Settings


class AccessSettings(Settings):
    """Whose access tokens are believed."""

    token_keys: tuple[Path, ...] = Field(
        min_length=1,
        description="PEM files of the keys that sign access tokens, P-256 (ES256) or RSA (RS256); of a private key "
        "only the public part is used.",
        examples=['["/run/secrets/token.pem"]'],
    )
    token_issuers: tuple[str, ...] = Field(
        default=(),
        description="Values of `iss` that are accepted; empty: any, as long as one of the keys has signed.",
        examples=['["https://login.example.org"]'],
    )
    token_audiences: tuple[str, ...] = Field(
        default=(),
        description="Values of `aud` that are accepted, one of which a token must then carry; empty: any, and none.",
        examples=['["strongroom"]'],
    )
