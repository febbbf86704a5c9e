"""Where downloads come from, and with which token."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from shared.errors import ConfigurationError

VARIABLE = "STRONGROOM_DOWNLOAD_CONFIG"


@dataclass(frozen=True)
class Access:
    """An outbox, and a token for it; ca_cert: certificates to trust, None: the system's."""

    url: str
    token: str = field(repr=False)
    ca_cert: Path | None = None


ReadAccess = Callable[[], Access]


class DownloadConfig(BaseModel):
    """What a configuration file holds; more fields are welcome and not read."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    url: str
    token: SecretStr | None = None
    ca_cert: Path | None = None


def default_path() -> Path:
    """Return where the configuration is, if the command line does not say."""
    named = os.environ.get(VARIABLE)
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Path(named) if named else home / "strongroom" / "download.json"


def read_access(config: Path, url: str | None, token_file: Path | None) -> Access:
    """Read the configuration, of which the command line may say otherwise. Raises ConfigurationError, OSError."""
    found = DownloadConfig(url=url) if url and token_file else _read(config)
    token = found.token.get_secret_value() if found.token else ""
    if token_file is not None:
        token = token_file.read_text(encoding="utf-8")
    if not token.strip():
        raise ConfigurationError(f"{config}: holds no token; give a file with one: --token-file")
    return Access((url or found.url).rstrip("/"), token.strip(), found.ca_cert)


def _read(path: Path) -> DownloadConfig:
    try:
        return DownloadConfig.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: is not there; say --url and --token-file, or write it") from None
    except (ValidationError, UnicodeDecodeError):
        raise ConfigurationError(f"{path}: is not JSON with `url` and `token`") from None
