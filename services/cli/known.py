"""The fields of all settings: a variable `STRONGROOM_*` that is none of them is a spelling mistake."""

import os

from services.cli import registry
from services.cli.settings import CommandSettings
from shared.settings import PREFIX, SECRETS, variable


def known_settings() -> frozenset[str]:
    """Return the names of the fields of all settings, the command's and the services'."""
    return frozenset(CommandSettings.model_fields) | frozenset(registry.all_fields())


def settings_of_environment() -> frozenset[str]:
    """Return the same, but spare the import of all services while the environment holds nothing of theirs."""
    own = frozenset(CommandSettings.model_fields)
    ours = {variable(name) for name in own} | {SECRETS}
    strange = any(name.startswith(PREFIX) and name not in ours for name in os.environ)
    return known_settings() if strange else own
