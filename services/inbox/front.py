"""The SFTP front: an SSH server on an event loop and a thread of its own."""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import asyncssh
import structlog
import uvloop
from asyncssh import SSHAcceptor, SSHKey, SSHReader, SSHServerChannel, SSHWriter

from services.inbox.channel import SftpChannel, SftpHandler
from services.inbox.eviction import evicting
from services.inbox.inbox import Inbox
from services.inbox.login import Connections, Login
from services.inbox.metrics import SESSIONS
from services.inbox.sftp import SftpSession
from shared.access.attempts import Attempts
from shared.access.directory import Directory
from shared.errors import ConfigurationError, StrongroomError

log = structlog.get_logger(__name__)

_THREADS = 32
"""Requests to the store and the database at once; digests and passwords, too, are computed on them."""
_PATIENCE = 5.0
"""Seconds that sessions get to end by themselves when the front is stopped."""
_LAST_PARTS = 150.0
"""Seconds to store what was received last: longer than a store that hangs takes to be given up."""

_CIPHERS = [
    "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes256-ctr", "aes192-ctr", "aes128-ctr",
    "chacha20-poly1305@openssh.com",
]  # fmt: skip


class SftpFront:
    """Serves SFTP at `address` from `start` to `stop`."""

    def __init__(self, inbox: Inbox, directory: Directory, *, host: str, port: int, host_key: Path) -> None:
        self._inbox = inbox
        self._directory = directory
        self._bind = (host, port)
        self._host_key = host_key
        self._ready = threading.Event()
        self._fault: StrongroomError | None = None
        self._connections: Connections = {}
        self._sessions: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="sftp", daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port where it listens, once it is started."""
        return self._bind

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        """Listen. Raises ConfigurationError if the host key or the address is not usable."""
        key = _read_host_key(self._host_key)
        self._loop = uvloop.new_event_loop()
        self._stopping = asyncio.Event()
        self._key = key
        self._thread.start()
        self._ready.wait()
        if self._fault is not None:
            self._thread.join()
            raise self._fault

    def stop(self) -> None:
        """Take no new sessions, wait a little for those that are there, keep what they sent, end."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner, ThreadPoolExecutor(_THREADS, "sftp") as pool:
            self._loop.set_default_executor(pool)
            try:
                runner.run(self._serve())
            finally:
                self._ready.set()

    async def _serve(self) -> None:
        try:
            acceptor = await self._listen()
        except OSError as error:
            self._fault = ConfigurationError(
                f"the SFTP front cannot listen at {self._bind[0]}:{self._bind[1]}: {error}"
            )
            return
        self._bind = acceptor.get_addresses()[0][:2]
        self._ready.set()
        log.info("sftp_listens", port=self._bind[1])
        async with evicting(self._directory, self._connections):
            await self._stopping.wait()
        acceptor.close()
        await self._end_sessions()

    async def _listen(self) -> SSHAcceptor:
        passwords = asyncio.Semaphore(os.cpu_count() or 1)
        return await asyncssh.listen(
            *self._bind,
            server_factory=lambda: Login(
                self._directory, Attempts(self._inbox.database), self._connections, passwords, self._channel
            ),
            server_host_keys=[self._key],
            encoding=None,
            # names the product, and nothing that tells an attacker which faults to try
            server_version="Strongroom",
            encryption_algs=_CIPHERS,
            # what comes is encrypted and cannot be compressed
            compression_algs=["none"],
            gss_host=None,
            allow_pty=False,
            agent_forwarding=False,
            x11_forwarding=False,
            keepalive_interval=30,
            keepalive_count_max=4,
            login_timeout=60,
        )

    def _channel(self) -> SftpChannel:
        return SftpChannel(self._session)

    async def _session(self, reader: SSHReader[bytes], writer: SSHWriter[bytes]) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        task.add_done_callback(self._sessions.discard)
        channel = cast("SSHServerChannel[bytes]", writer.channel)
        user = channel.get_connection().get_extra_info("username")
        with SESSIONS.track_inprogress():
            await SftpHandler(SftpSession(channel, self._inbox, user), reader, writer).run()

    async def _end_sessions(self) -> None:
        await self._sessions_ended(_PATIENCE)
        for connection in list(self._connections):
            connection.abort()
        await self._sessions_ended(_LAST_PARTS)

    async def _sessions_ended(self, seconds: float) -> None:
        if self._sessions:
            await asyncio.wait(self._sessions, timeout=seconds)


def _read_host_key(path: Path) -> SSHKey:
    try:
        return asyncssh.read_private_key(path)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the SFTP host key cannot be read: {type(error).__name__}") from None
