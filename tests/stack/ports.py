"""Free TCP ports of the loopback interface."""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

LOWEST = 15000
CLAIMS = Path(tempfile.gettempdir()) / f"strongroom-ports-{os.getuid()}"
_claimed: list[int] = []
"""Descriptors of locked files, one for each port of this process."""


def free_ports(count: int) -> list[int]:
    """Choose `count` different ports that nothing listens on, and that no other test process has chosen.

    They lie below the range from which the kernel picks the local ports of outgoing connections, so that nobody is
    given the port of a server while a test has it down, and a client that knocks meanwhile never meets itself.
    """
    candidates = random.sample(range(LOWEST, _first_ephemeral_port()), count * 20)
    ports: list[int] = []
    while candidates and len(ports) < count:
        port = candidates.pop()
        if _is_free(port) and _claim(port):
            ports.append(port)
    if len(ports) < count:
        raise OSError(f"no {count} free ports between {LOWEST} and {_first_ephemeral_port()}")
    return ports


def _first_ephemeral_port() -> int:
    low, _high = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()
    return max(int(low), LOWEST + 10_000)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # as the servers do: a port whose old connections are still in TIME_WAIT is free
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _claim(port: int) -> bool:
    """Keep a port for this process until its end: between the choice and the server's start it looks free to others."""
    CLAIMS.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(CLAIMS / str(port), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    _claimed.append(descriptor)
    return True
