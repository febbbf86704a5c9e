"""Settings of intercept: it needs none but those of the message flow."""

from shared.settings import Settings


class InterceptSettings(Settings):
    """What intercept needs to know: nothing."""
