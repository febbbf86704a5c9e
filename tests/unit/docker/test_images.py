"""The Dockerfiles, and the scripts beside them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack.node.compose import ROOT
from tests.stack.node.ground import make_secrets
from tests.stack.node.worker import STRONGROOM

DOCKERFILES = ("docker/Dockerfile", "docker/minio/Dockerfile")


@pytest.mark.parametrize("file", DOCKERFILES)
def test_hadolint_finds_nothing(file: str) -> None:
    program = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([program, ROOT / file], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("file", DOCKERFILES)
def test_the_image_runs_as_a_user_that_is_a_number(file: str) -> None:
    *_, last = (ROOT / file).read_text(encoding="utf-8").split("\nFROM ")
    assert re.findall(r"^USER (.+)$", last, re.MULTILINE) == ["10001:10001"]


def test_minio_is_built_from_the_source_that_the_tests_use() -> None:
    pin = re.compile(r"MINIO_PIN=(\S+)")
    script = pin.search((ROOT / "tests/stack/install.sh").read_text(encoding="utf-8"))
    image = pin.search((ROOT / "docker/minio/Dockerfile").read_text(encoding="utf-8"))
    assert script
    assert image
    assert script[1] == image[1]


def test_the_build_is_given_all_that_the_image_copies_and_nothing_else() -> None:
    dockerfile = (ROOT / "docker/Dockerfile").read_text(encoding="utf-8")
    copied = {
        source
        for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
        for source in sources.split()
    }
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    given = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert given == copied
    assert "*" in ignored


def test_secrets_that_are_there_are_kept(tmp_path: Path) -> None:
    strongroom = " ".join(STRONGROOM)
    before = _contents(make_secrets(tmp_path, strongroom))
    (tmp_path / "token.pem").unlink()
    after = _contents(make_secrets(tmp_path, strongroom))
    assert after.keys() == before.keys()
    assert {name for name in before if before[name] != after[name]} == {"token.pem", "token.pub"}


def _contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}
