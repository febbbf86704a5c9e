"""A proxy before an S3 server that answers with faults of its own, cuts what goes through, or slows it down."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

PIECE = 1 << 16
FAREWELL_SECONDS = 2.0
_CODES = {500: "InternalError", 503: "SlowDown"}


class FaultProxy:
    """Forwards connections as they come, until it is told to do harm."""

    def __init__(self, target: str) -> None:
        """`target`: URL of the server."""
        place = urlsplit(target)
        self._target = (place.hostname or "", place.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._status: int | None = None
        self._cut_after: int | None = None
        self._rate: float | None = None
        self._open: set[socket.socket] = set()
        self._closed = threading.Event()
        #: how often harm was done
        self.harmed = 0
        threading.Thread(target=self._accept, name="fault-proxy", daemon=True).start()

    @property
    def endpoint(self) -> str:
        """URL for clients."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def answer(self, status: int) -> None:
        """Answer every request with this status, and let nothing through."""
        self._status = status

    def cut_after(self, size: int) -> None:
        """End every connection when so many bytes have gone through it in both directions."""
        self._cut_after = size

    def slow_down(self, rate: float) -> None:
        """Let so many bytes a second of the server's answers through each connection."""
        self._rate = rate

    def behave(self) -> None:
        """Forward everything again."""
        self._status = self._cut_after = self._rate = None

    def close(self) -> None:
        """Stop listening, and end every connection."""
        self._closed.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for client in list(self._open):
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.add(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(self._target, timeout=10) as server:
            server.settimeout(None)
            self._pump(client, server)
        self._open.discard(client)

    def _pump(self, client: socket.socket, server: socket.socket) -> None:
        allowed: int | None = None
        while True:
            asked = client in select.select([client, server], [], [])[0]
            if asked and self._status is not None:
                self._refuse(client, self._status)
                return
            data = (client if asked else server).recv(PIECE)
            if not data:
                return
            allowed = self._still_allowed(allowed, len(data))
            if allowed is not None and allowed < 0:
                self.harmed += 1
                (server if asked else client).sendall(data[:allowed])
                return
            (server if asked else client).sendall(data)
            if self._rate and not asked:
                self._closed.wait(len(data) / self._rate)

    def _still_allowed(self, allowed: int | None, size: int) -> int | None:
        if self._cut_after is None:
            return None
        return (self._cut_after if allowed is None else allowed) - size

    def _refuse(self, client: socket.socket, status: int) -> None:
        """Answer as S3 servers do, and take the rest of the request, else the client would not read the answer."""
        self.harmed += 1
        request = client.recv(PIECE)
        code = _CODES[status]
        body = b"" if request.startswith(b"HEAD") else f"<Error><Code>{code}</Code></Error>".encode()
        head = f"HTTP/1.1 {status} {code}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
        client.sendall(head.encode() + b"Connection: close\r\n\r\n" + body)
        client.shutdown(socket.SHUT_WR)
        client.settimeout(FAREWELL_SECONDS)
        while client.recv(PIECE):
            pass


@contextmanager
def proxy_to(target: str) -> Iterator[FaultProxy]:
    """Run a proxy to a server."""
    proxy = FaultProxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
