"""An embedded inbox as a process of its own: `serve.py FOLDER HOST_KEY KEY`; it ends with its standard input.

It says its port and its memory at the start, and its peak at the end, both in KiB.
"""

import re
import sys
from pathlib import Path

from shared.database.migrate import upgrade
from tests.integration.inbox.host import InboxHost, directory


def memory(field: str) -> int:
    """Read a line of /proc/self/status."""
    found = re.search(rf"^{field}:\s+(\d+) kB$", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)
    assert found
    return int(found[1])


def say(*numbers: int) -> None:
    """Write a line that the test waits for."""
    sys.stdout.write(" ".join(map(str, numbers)) + "\n")
    sys.stdout.flush()


def main(folder: Path, host_key: Path, key: Path) -> None:
    """Serve `alice` until standard input ends."""
    url = f"sqlite:///{folder / 'inbox.db'}"
    upgrade(url)
    host = InboxHost(url, directory(folder / "store"), host_key)
    with host.up():
        host.add_user("alice", key)
        say(host.port, memory("VmRSS"))
        sys.stdin.read()
        say(memory("VmHWM"))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
