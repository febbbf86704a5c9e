"""What users are told when they cannot log in, and what is asked of them instead."""

from shared.errors import UserError


class WrongPassword(UserError):
    """Name or password is not right."""


class LoginExpired(UserError):
    """This log-in took too long, or was begun in another browser. Begin again."""


class FormExpired(UserError):
    """This page was open for too long. Go back, load it anew, and try again."""


class ProviderRefused(UserError):
    """Your institute's log-in did not say who you are. Try again; if it happens again, tell the archive's staff."""


class NameTaken(UserError):
    """Your name belongs to somebody who logs in another way. Log in that way, or ask the archive's staff."""


class NoUsableName(UserError):
    """Your institute calls you by a name that cannot be one of the archive's. Ask the archive's staff."""


class LoginDisabled(UserError):
    """You may not log in. Ask the archive's staff why."""


class NoSuchCredentials(UserError):
    """These S3 credentials are not yours, or have ended."""


class NoInbox(UserError):
    """This archive takes no uploads by S3. Use SFTP."""
