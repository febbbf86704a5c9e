"""Load from `wrk`, a client that costs next to nothing itself."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

CONNECTIONS = 16
SECONDS = 4
SCRIPT = """
local paths, headers, last = {%s}, {%s}, 0
request = function()
  last = last %% #paths + 1
  return wrk.format("GET", paths[last], headers)
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("\\n%%d %%d %%d %%d\\n", summary.requests, summary.duration, latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True)
class Load:
    """What a server bore: requests, their rate (1/s), and the time within which 99 of 100 were answered (s)."""

    requests: int
    rate: float
    p99: float


def get(server: str, paths: Sequence[str], headers: Mapping[str, str]) -> Load:
    """Get paths of a server (`http://host:port`) in turn, on 16 connections, for 4 s; each answer must be good."""
    quoted = ", ".join(map(json.dumps, paths))
    named = ", ".join(f"[{json.dumps(name)}] = {json.dumps(value)}" for name, value in headers.items())
    with TemporaryDirectory(prefix="strongroom-bench-") as folder:
        script = Path(folder) / "script.lua"
        script.write_text(SCRIPT % (quoted, named), encoding="utf-8")
        command = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{SECONDS}s"]
        words = [*command, "--timeout", "20s", "--script", str(script), server]
        said = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout
    requests, microseconds, p99, failed = map(int, said.split("\n")[-2].split())
    assert not failed, said
    return Load(requests, requests / microseconds * 1e6, p99 / 1e6)
