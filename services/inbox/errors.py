"""What the inbox refuses; each front words it in its own protocol."""

from shared.errors import TransientError, UserError


class InboxError(UserError):
    """The inbox does not do this."""


class NotThere(InboxError):
    """There is no such file or folder."""


class NotAllowed(InboxError):
    """This is not allowed here."""


class QuotaExceeded(InboxError):
    """Your files in the inbox take all the room that you have: remove some, or ask the archive for more."""


class Superseded(InboxError):
    """A newer upload of this name has begun, or it was removed meanwhile: this one is void."""


class Busy(TransientError):
    """Too many changes at the same time, try again."""
