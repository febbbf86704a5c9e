"""The inbox's errors in the words of SFTP (draft-ietf-secsh-filexfer-02, section 7)."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from asyncssh import SFTPError, SFTPFailure, SFTPNoSuchFile, SFTPPermissionDenied

from services.inbox.errors import Busy, NotAllowed, NotThere
from shared.errors import StrongroomError, UserError

log = structlog.get_logger(__name__)

AWAY = "the archive is busy, try again: what is stored is safe"


@contextmanager
def told_to_client() -> Iterator[None]:
    """Tell a client what is its own doing, and no more than that it should try again of all else."""
    try:
        yield
    except NotThere as error:
        raise SFTPNoSuchFile(str(error)) from error
    except NotAllowed as error:
        raise SFTPPermissionDenied(str(error)) from error
    except (UserError, Busy) as error:
        raise SFTPFailure(str(error)) from error
    except StrongroomError as error:
        log.warning("sftp_request_failed", error=type(error).__name__)
        raise SFTPFailure(AWAY) from error
    except SFTPError:
        raise
    except Exception as error:
        # without its message, which may hold names and paths
        trace = "".join(traceback.format_tb(error.__traceback__))
        log.error("sftp_request_broke", error=type(error).__name__, trace=trace)  # noqa: TRY400
        raise SFTPFailure("something is wrong in the archive; its operator can see what") from error
