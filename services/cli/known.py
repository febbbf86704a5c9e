"""The fields of all settings: a variable `STRONGROOM_*` that is none of them is a spelling mistake."""

from services.cli.settings import CommandSettings
from shared.broker.settings import BrokerSettings

SETTINGS = (CommandSettings, BrokerSettings)
"""The settings of every service belong here."""


def known_settings() -> frozenset[str]:
    """Return the names of the fields of all settings."""
    return frozenset(name for settings in SETTINGS for name in settings.model_fields)
