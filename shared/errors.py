"""The error tree: the base class of an error decides what becomes of the delivery that raised it (ADR 0002)."""


class StrongroomError(Exception):
    """Something went wrong in Strongroom."""

    def __init__(self, message: str | None = None) -> None:
        """Word the error; without a message the docstring of its class is the message."""
        super().__init__(message or (type(self).__doc__ or "").strip())


class UserError(StrongroomError):
    """The submitter or the sender of a message made a mistake: they are told, and the delivery is settled."""


class FileRefused(UserError):
    """The file itself is at fault: it goes to state `error`, from which a new ingest trigger starts afresh."""


class MessageRefused(UserError):
    """The message asks for what cannot be: the file keeps its state, and a corrected message is welcome."""


class NotYet(StrongroomError):
    """The message came before its time: it is delivered again later, up to a deadline."""


class TransientError(StrongroomError):
    """A server is away or answers with a passing fault: the delivery is tried again with growing delays."""


class ConfigurationError(StrongroomError):
    """The operator has to change something before this process can do its work."""
