"""A TCP proxy on loopback that can break what goes through it."""

import ipaddress
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PIECE = 1 << 16


class Proxy:
    """Forwards connections to a server until it is told to cut, hold back or damage what goes through."""

    def __init__(self, target: tuple[str, int], tls: ssl.SSLContext | None) -> None:
        self._target = target
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._clients: list[socket.socket] = []
        self._cut_after: int | None = None
        self._holds_back = False
        self._damage = (b"", b"")
        self.requests = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def endpoint(self) -> str:
        """Address, as the S3 client wants it."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def cut_after(self, size: int) -> None:
        """Close every later connection when the server has sent so many bytes."""
        self._cut_after = size

    def hold_back(self) -> None:
        """From now on, let nothing that the server says come through."""
        self._holds_back = True

    def damage(self, sent: bytes, received: bytes) -> None:
        """From now on, replace bytes of requests by as many others."""
        self._damage = (sent, received)

    def drop_connections(self) -> None:
        """Close every open connection."""
        for client in self._clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop listening, and close every connection."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_connections()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(self._target, timeout=10) as server:
            if self._tls is None:
                self._clients.append(client)
                self._pump(client, server)
            else:
                with self._tls.wrap_socket(client, server_side=True) as encrypted:
                    self._clients.append(encrypted)
                    self._pump(encrypted, server)

    def _pump(self, client: socket.socket, server: socket.socket) -> None:
        left = self._cut_after
        while left is None or left > 0:
            if _waits_for(server, client):
                data = client.recv(PIECE)
                self.requests += data.count(b" HTTP/1.1\r\n")
                server.sendall(data.replace(*self._damage) if self._damage[0] else data)
            else:
                data = server.recv(PIECE if left is None else min(PIECE, left))
                left = None if left is None else left - len(data)
                if not self._holds_back:
                    client.sendall(data)
            if not data:
                return


@contextmanager
def proxy_to(address: str, *, tls: ssl.SSLContext | None = None) -> Iterator[Proxy]:
    """Run a proxy to `host:port`, which speaks TLS to its clients if given a context."""
    host, _, port = address.rpartition(":")
    proxy = Proxy((host, int(port)), tls)
    try:
        yield proxy
    finally:
        proxy.close()


def self_signed(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Make a certificate for 127.0.0.1; give its file, and the context of a server that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    addresses = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = builder.add_extension(addresses, critical=False).sign(key, hashes.SHA256())
    path, key_path = folder / "certificate.pem", folder / "key.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption_algorithm=plain)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key_path)
    return path, context


def _waits_for(server: socket.socket, client: socket.socket) -> bool:
    """Wait until one side has sent something; tell whether it was the client."""
    if isinstance(client, ssl.SSLSocket) and client.pending():
        return True
    ready, _, _ = select.select([client, server], [], [])
    return client in ready
