"""How a transfer ends before all of it is done, each with an exit code of its own."""

from typing import ClassVar

from shared.errors import StrongroomError


class Ending(StrongroomError):
    """The whole command ends, not one file; what was done is kept."""

    exit_code: ClassVar[int]


class Unfinished(Ending):
    """The other side does not answer, or the command was stopped: the same command goes on where it ended."""

    exit_code = 3


class AccessEnded(Ending):
    """The credentials or the token are good no longer: the same command goes on with new ones."""

    exit_code = 4


class Interrupted(Ending):
    """Stopped by Ctrl-C or a signal: the same command goes on where it ended."""

    exit_code = 130
