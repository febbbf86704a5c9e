"""Free TCP ports of the loopback interface."""

import random
import socket
from pathlib import Path

LOWEST = 15000


def free_ports(count: int) -> list[int]:
    """Choose `count` different ports that nothing listens on.

    They lie below the range from which the kernel picks the local ports of outgoing connections, so that nobody is
    given the port of a server while a test has it down, and a client that knocks meanwhile never meets itself.
    """
    candidates = random.sample(range(LOWEST, _first_ephemeral_port()), count * 20)
    ports = [port for port in candidates if _is_free(port)]
    if len(ports) < count:
        raise OSError(f"no {count} free ports between {LOWEST} and {_first_ephemeral_port()}")
    return ports[:count]


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
