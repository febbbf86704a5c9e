"""What the figures of a run hold for: the machine, and the versions of all that took part."""

import os
import platform
import re
import ssl
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

from tests.stack.minio import binary
from tests.stack.postgres import program

LIBRARIES = ("cryptography", "minio", "pika", "psycopg", "sqlalchemy", "asyncssh", "uvicorn", "crypt4gh")


def facts() -> dict[str, str]:
    """Describe the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory / (1 << 30):.0f} GiB",
        "system": f"Linux {platform.release()}",
    }


def versions() -> dict[str, str]:
    """Name the versions of servers, interpreter and libraries."""
    servers = {
        "MinIO": binary().name.rpartition("-")[2],
        "PostgreSQL": _said(str(program("postgres")), "-V").split()[2],
        "RabbitMQ": _said("dpkg-query", "-W", "-f", "${Version}", "rabbitmq-server"),
    }
    libraries = {name: version(name) for name in LIBRARIES}
    return {"Python": platform.python_version(), "OpenSSL": ssl.OPENSSL_VERSION.split()[1], **servers, **libraries}


def busy() -> float:
    """Return the share of the processors' time that is taken by anyone, looking on for a second."""
    before = _times()
    time.sleep(1)
    total, idle = (after - b for after, b in zip(_times(), before, strict=True))
    return 1 - idle / total


def _times() -> tuple[int, int]:
    # "cpu user nice system idle iowait irq softirq steal guest ...", in ticks; guest time is part of user time
    fields = Path("/proc/stat").read_text(encoding="utf-8").partition("\n")[0].split()
    times = [int(field) for field in fields[1:9]]
    return sum(times), times[3] + times[4]


def _processor() -> str:
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    found = re.search(r"^model name\s*: (.+)$", info, re.MULTILINE)
    return found[1] if found else platform.machine()


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout
