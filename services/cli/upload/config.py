"""The configuration that log-in gives out: where uploads go, and with which credentials."""

import configparser
import os
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from shared.crypto.keys import PublicKey, parse_public_key
from shared.errors import ConfigurationError
from shared.storage.port import ObjectStore
from shared.storage.s3_account import only_bucket
from shared.storage.settings import S3Settings, s3_store

VARIABLE = "STRONGROOM_UPLOAD_CONFIG"


class UploadConfig(BaseModel):
    """Credentials for the S3 inbox, and what is to know of the archive; more fields are welcome and not read.

    public_key: text of the archive's Crypt4GH public key; login: URL of the log-in service.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    endpoint: str
    access_key: SecretStr = Field(min_length=1)
    secret_key: SecretStr = Field(min_length=1)
    session_token: SecretStr | None = None
    bucket: str
    expires: AwareDatetime | None = None
    public_key: str | None = None
    login: str | None = None
    region: str = "us-east-1"
    ca_cert: Path | None = None

    def archive_key(self) -> PublicKey | None:
        """Return the key to encrypt for, if the configuration holds one. Raises BadPublicKey."""
        return None if self.public_key is None else parse_public_key(self.public_key)


def default_path() -> Path:
    """Return where the configuration is, if the command line does not say."""
    named = os.environ.get(VARIABLE)
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Path(named) if named else home / "strongroom" / "upload.json"


def read_config(path: Path) -> UploadConfig:
    """Read the JSON form, or an s3cmd configuration. Raises ConfigurationError, which says what to do."""
    try:
        text = path.read_text(encoding="utf-8")
        values = _of_s3cmd(text) if not text.lstrip().startswith("{") else None
        return UploadConfig.model_validate_json(text) if values is None else UploadConfig.model_validate(values)
    except FileNotFoundError:
        raise ConfigurationError(
            f"{path}: is not there; log in to your archive and save the upload configuration under this name, "
            "or name it with --config"
        ) from None
    except ValidationError as error:
        wrong = ", ".join(sorted({".".join(map(str, one["loc"])) or "the file" for one in error.errors()}))
        raise ConfigurationError(f"{path}: {wrong}: not as the archive gives it out; get it anew") from None
    except (configparser.Error, UnicodeDecodeError, KeyError) as error:
        raise ConfigurationError(f"{path}: neither JSON nor an s3cmd configuration; get it anew") from error


def complete_config(path: Path) -> UploadConfig:
    """Read a configuration, and ask the inbox for its bucket where that is not said.

    Raises ConfigurationError, StoreUnavailable.
    """
    config = read_config(path)
    return config if config.bucket else config.model_copy(update={"bucket": only_bucket(_account(config))})


def open_inbox(config: UploadConfig, *, threads: int) -> ObjectStore:
    """Return the user's bucket as a store. Raises ConfigurationError."""
    return s3_store(config.bucket, _account(config), threads=threads)


def _account(config: UploadConfig) -> S3Settings:
    return S3Settings(
        endpoint=config.endpoint,
        access_key=config.access_key,
        secret_key=config.secret_key,
        session_token=config.session_token,
        region=config.region,
        ca_cert=config.ca_cert,
    )


def _of_s3cmd(text: str) -> dict[str, Any]:
    """Read what s3cmd reads (its manual: `host_base`, `use_https`, `access_token`); it knows of no bucket."""
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    section = parser["default"]
    scheme = "https" if section.getboolean("use_https", fallback=True) else "http"
    return {
        "endpoint": f"{scheme}://{section['host_base'].rstrip('/')}",
        "access_key": section["access_key"],
        "secret_key": section["secret_key"],
        "session_token": section.get("access_token") or None,
        "bucket": "",
    }
