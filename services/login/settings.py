"""Settings of login: the sum of what its adapters need."""

from pathlib import Path

from pydantic import Field, SecretStr

from shared.access.directory import DirectorySettings
from shared.access.settings import CredentialSettings
from shared.settings import Settings


class ProviderSettings(Settings):
    """The OpenID provider by which users log in."""

    oidc_issuer: str | None = Field(
        default=None,
        description="OpenID provider (Connect Discovery) by which users log in; empty: by password only.",
        examples=["https://login.aai.lifescience-ri.eu/oidc"],
    )
    oidc_client_id: str | None = Field(default=None, description="What the provider calls this node.")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="What the node proves that with; empty: it is a public client, PKCE has to do."
    )
    oidc_scopes: str = Field(default="openid profile email", description="Scopes that the provider is asked for.")
    oidc_name_claim: str = Field(
        default="sub",
        description="Claim that becomes the name of a user, one that the provider never gives to anyone else.",
    )
    oidc_label: str = Field(default="Log in with your institute", description="What the link to the provider says.")


class LoginSettings(ProviderSettings, DirectorySettings, CredentialSettings):
    """What login needs to know."""

    login_address: str = Field(
        default="127.0.0.1:8081",
        description="Address of the log-in pages, as host:port; an IPv6 host in brackets. TLS is the proxy's.",
    )
    login_url: str | None = Field(
        default=None,
        description="Where browsers find the log-in pages, and `iss` of the tokens; empty: at the address itself.",
        examples=["https://login.example.org"],
    )
    login_behind_proxy: bool = Field(
        default=False,
        description="The last address in `X-Forwarded-For` is the browser's: a proxy stands before this service.",
    )
    login_token_keys: tuple[Path, ...] = Field(
        min_length=1,
        description="PEM files of P-256 keys; the first signs access tokens, all are published. To rotate, put a new "
        "one first, and drop the old one when its tokens have expired.",
        examples=['["/run/secrets/login.pem"]'],
    )
    login_token_minutes: float = Field(default=60, gt=0, description="Life of an access token.")
    login_session_hours: float = Field(default=12, gt=0, description="Life of a session of a browser.")
    login_credentials_days: int = Field(default=30, ge=1, description="Longest life of S3 credentials.")
    login_archive_key: Path = Field(
        description="The archive's public Crypt4GH key, which submitters encrypt for.",
        examples=["/run/secrets/archive.pub"],
    )
    inbox_url: str | None = Field(
        default=None,
        description="Where S3 clients find the inbox; empty: the node has no S3 inbox.",
        examples=["https://inbox.example.org"],
    )
