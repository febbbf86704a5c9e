"""Where a server listens: one spelling for all fronts."""

import re
import socket

from shared.errors import ConfigurationError

_ADDRESS = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<name>[^\[\]:\s]+)):(?P<port>[0-9]{1,5})")


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of `host:port`, an IPv6 host in brackets; port 0 is any free one.

    Raises ConfigurationError.
    """
    found = _ADDRESS.fullmatch(text)
    if not found or int(found["port"]) > 65535:
        raise ConfigurationError(f"{text!r} is no address to listen on: write host:port, or [host]:port for IPv6")
    return found["v6"] or found["name"], int(found["port"])


def bound_address(listening: socket.socket) -> tuple[str, int]:
    """Return host and port of a socket that listens."""
    host, port = listening.getsockname()[:2]
    return str(host), int(port)


def listen(text: str, *, shared: bool = False) -> socket.socket:
    """Return a socket that listens on `host:port`, with `shared` beside others that share it as well.

    Raises ConfigurationError when that cannot be had.
    """
    host, port = parse_address(text)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024, reuse_port=shared)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigurationError(f"cannot listen on {text}: {reason}; stop what does, or choose another") from error
