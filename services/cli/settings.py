"""Settings of the `strongroom` command."""

from pathlib import Path

from pydantic import Field

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
    trace: bool = Field(default=False, description="Show the trace of an error; read by the `strongroom` command only.")
