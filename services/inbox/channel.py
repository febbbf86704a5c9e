"""Where asyncssh is taken at its inner word: what it does when a connection is lost in the middle of a file.

asyncssh closes files that are still open as if the client had asked for it; for us that is the difference between a
whole file and the beginning of one. So the handler of its SFTP sessions is replaced by one that says so before.
None of what is used here is documented: tests/integration/inbox/test_interruptions.py fails if it changes.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from asyncssh import SSHReader, SSHWriter
from asyncssh.sftp import SFTPServerHandler
from asyncssh.stream import SSHServerStreamSession

from services.inbox.sftp import SftpSession

Serve = Callable[[SSHReader[bytes], SSHWriter[bytes]], Coroutine[Any, Any, None]]


class SftpChannel(SSHServerStreamSession[bytes]):
    """A channel for SFTP, and for neither a shell nor a command."""

    def __init__(self, serve: Serve) -> None:
        super().__init__(None)
        self._serve = serve

    def subsystem_requested(self, subsystem: str) -> bool:
        return subsystem == "sftp"

    def session_started(self) -> None:
        assert self._chan is not None
        assert self._conn is not None
        reader, writer = SSHReader[bytes](self, self._chan), SSHWriter[bytes](self, self._chan)
        self._conn.create_task(self._serve(reader, writer), reader.logger)


class SftpHandler(SFTPServerHandler):
    """Reads the requests of a session, one after another, and tells it when its connection is lost."""

    # neither the name and version of our library, nor copies between open files
    _extensions = [  # noqa: RUF012 - as in the base class
        (name, data) for name, data in SFTPServerHandler._extensions if name not in {b"vendor-id", b"copy-data"}
    ]

    def __init__(self, session: SftpSession, reader: SSHReader[bytes], writer: SSHWriter[bytes]) -> None:
        super().__init__(session, reader, writer, 3)
        self._session = session

    async def _cleanup(self, exc: Exception | None) -> None:
        self._session.connection_lost()
        await super()._cleanup(exc)
