"""Settings of the `strongroom` command."""

from pathlib import Path

from pydantic import Field, SecretStr

from shared.database.settings import DatabaseSettings


class CommandSettings(DatabaseSettings):
    """How staff reach the node of the settings."""

    token_key: Path | None = Field(
        default=None,
        description="File of the private key (PEM) that signs access tokens; needed by `strongroom users token`.",
        examples=["/run/secrets/token.pem"],
    )
    upload_config: Path | None = Field(
        default=None,
        description="File of the upload configuration that log-in gave out, if it is not at its default place; read by "
        "`strongroom upload` only.",
    )
    credentials_secret: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="Secret of the node that S3 credentials are made with; needed by `strongroom users credentials`.",
    )
    inbox_url: str | None = Field(
        default=None,
        description="Where S3 clients find the inbox; needed by `strongroom users credentials`.",
        examples=["https://inbox.example.org"],
    )
    login_url: str | None = Field(
        default=None,
        description="Where the log-in pages are; `strongroom users credentials` says so in the JSON form.",
        examples=["https://login.example.org"],
    )
    login_archive_key: Path | None = Field(
        default=None,
        description="The archive's public Crypt4GH key, which the JSON form of `strongroom users credentials` holds.",
        examples=["/run/secrets/archive.pub"],
    )
    download_config: Path | None = Field(
        default=None,
        description="File with the outbox's address and a token, if it is not at its default place; read by "
        "`strongroom download` only.",
    )
    trace: bool = Field(default=False, description="Show the trace of an error; read by the `strongroom` command only.")
