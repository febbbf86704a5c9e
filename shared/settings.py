"""Settings come from the environment (`STRONGROOM_*`) and from files of secrets; keys that nobody knows are refused.

Each adapter declares the settings it needs; those of a service are the sum of its adapters' (design, section 2).
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from shared.errors import ConfigurationError

PREFIX = "STRONGROOM_"
SECRETS = "STRONGROOM_SECRETS_DIR"
"""Folder of files called like the variables in lower case, such as `strongroom_database_url`."""

S = TypeVar("S", bound="Settings")


class Settings(BaseSettings):
    """Base of the settings of every service."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True, env_ignore_empty=True
    )


def variable(field: str) -> str:
    """Return the environment variable of a field."""
    return PREFIX + field.upper()


def refuse_unknown(known: Iterable[str], environment: Mapping[str, str] = os.environ) -> None:
    """Refuse a variable that belongs to none of `known`, the fields of all services: it is a spelling mistake.

    Raises ConfigurationError.
    """
    allowed = {variable(name) for name in known} | {SECRETS}
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in allowed)
    if unknown:
        raise ConfigurationError(f"unknown settings: {', '.join(unknown)}; docs/reference/configuration.md lists all")


def load(settings: type[S], environment: Mapping[str, str] = os.environ) -> S:
    """Read the settings of a service. Raises ConfigurationError with all that is wrong, never with a value."""
    secrets = _secrets(environment)
    try:
        return settings(_secrets_dir=secrets)
    except ValidationError as error:
        raise ConfigurationError("\n".join(_faults(error))) from None
    except SettingsError as error:
        raise ConfigurationError(f"settings: {error}: lists are written as JSON") from None


def _secrets(environment: Mapping[str, str]) -> Path | None:
    folder = environment.get(SECRETS)
    if not folder:
        return None
    if not Path(folder).is_dir():
        raise ConfigurationError(f"{SECRETS}: there is no such folder")
    return Path(folder)


def _faults(error: ValidationError) -> Iterable[str]:
    for fault in error.errors():
        names = [str(part) for part in fault["loc"]]
        yield f"{variable(names[0]) if names else 'settings'}: {_wording(fault)}"


def _wording(fault: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    return "is not set" if fault["type"] == "missing" else str(fault["msg"])
