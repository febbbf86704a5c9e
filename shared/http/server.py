"""An HTTP front as a part of a process: uvicorn on a thread of its own."""

import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from shared.errors import ConfigurationError, StrongroomError
from shared.http.addresses import bound_address, listen
from shared.http.lifespan import Closing
from shared.http.protocol import GuardedProtocol, Limits

_START_SECONDS = 10


class FrontDidNotStart(StrongroomError):
    """The HTTP server ended, or did not answer, before it was ready."""


@dataclass(frozen=True)
class TlsFiles:
    """PEM files of the certificate, with those that vouch for it, and of its key."""

    certificate: Path
    key: Path


class HttpFront:
    """Serves one application on one address; the port is bound in `start`, so an address in use is told at once.

    shared: whether other processes may listen on the same address.
    closing: called on the event loop when all answers have ended.
    graceful_seconds: how long `stop` lets answers under way finish before it breaks them off.
    tls: with it the front speaks HTTPS.
    Signals stay with the process: uvicorn takes them on the main thread only, and this is never that one.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        address: str,
        name: str,
        shared: bool = False,
        graceful_seconds: int = 20,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        closing: Sequence[Callable[[], Awaitable[None] | None]] = (),
        tls: TlsFiles | None = None,
    ) -> None:
        self._listen = address
        self._shared = shared
        self._graceful_seconds = graceful_seconds
        protocol: Any = partial(GuardedProtocol, limits=limits)
        self._server = uvicorn.Server(
            uvicorn.Config(
                Closing(app, closing) if closing else app,
                http=protocol,
                loop="uvloop",
                ws="none",
                lifespan="on" if closing else "off",
                **_certificates(tls),
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=graceful_seconds,
            )
        )
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; known after `start`."""
        return self._bound

    def start(self) -> None:
        """Bind and serve; raises ConfigurationError when address or certificate cannot be had, FrontDidNotStart."""
        self._load()
        self._socket = listen(self._listen, shared=self._shared)
        self._bound = bound_address(self._socket)
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise FrontDidNotStart
            time.sleep(0.005)

    def _load(self) -> None:
        """Read the certificate before anything is bound."""
        try:
            self._server.config.load()
        except (OSError, ssl.SSLError) as error:
            reason = error.strerror or type(error).__name__
            raise ConfigurationError(f"the TLS certificate or its key cannot be used: {reason}") from error

    def stop(self) -> None:
        """Accept nothing new, let answers finish, end."""
        self._server.should_exit = True
        self._thread.join(self._graceful_seconds + _START_SECONDS)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])


def _certificates(tls: TlsFiles | None) -> dict[str, Any]:
    return {} if tls is None else {"ssl_certfile": tls.certificate, "ssl_keyfile": tls.key}
