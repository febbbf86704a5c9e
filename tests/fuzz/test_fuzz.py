"""Each target under libFuzzer for a while, from the kept corpus on: no crash, no hang, no growth of memory.

FUZZ_SECONDS says how long all targets take together.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TARGETS = ("header", "body", "examination", "edits", "message")
SECONDS = int(os.environ.get("FUZZ_SECONDS", "60"))
ROOT = Path(__file__).parents[2]
FOUND = ROOT / "build" / "fuzz"
KEPT = Path(__file__).parent / "corpus"
LIMITS = ("-timeout=20", "-rss_limit_mb=700", "-max_len=500", "-len_control=0")
STARTING = 300
"""Seconds that starting, reading the corpus and ending may take besides."""


@pytest.mark.parametrize("target", TARGETS)
def test_target_takes_whatever_comes(target: str) -> None:
    new = FOUND / target
    new.mkdir(parents=True, exist_ok=True)
    seconds = max(1, SECONDS // len(TARGETS))
    options = (f"-max_total_time={seconds}", f"-artifact_prefix={FOUND}/{target}-", "-print_final_stats=1", *LIMITS)
    # libFuzzer writes what it finds into the first folder. It takes the largest memory that its process ever had for
    # its own, and the kernel hands on that of who has started it: hence a shell between the tests and the fuzzer
    done = subprocess.run(
        [
            "/bin/sh",
            "-c",
            '"$@"; exit $?',
            "fuzz",
            sys.executable,
            "-m",
            "tests.fuzz",
            target,
            str(new),
            str(KEPT / target),
            *options,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds + STARTING,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, f"{said[-5000:]}\nTo see it again: {_again(target, said)}"
    assert _figure(r"stat::number_of_executed_units: (\d+)", said) > 5 * seconds, said[-2000:]
    assert _figure(r"INITED cov: (\d+)", said) > 20, said[-2000:]


def _again(target: str, said: str) -> str:
    written = re.search(r"Test unit written to (\S+)", said)
    return f"{sys.executable} -m tests.fuzz {target} {written[1] if written else ''}"


def _figure(pattern: str, said: str) -> int:
    found = re.search(pattern, said)
    return int(found[1]) if found else 0
