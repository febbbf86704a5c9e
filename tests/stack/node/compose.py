"""What compose.yaml says, as the real compose reads it: defaults, anchors and variables resolved."""

import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

ROOT = Path(__file__).parents[3]
FILE = ROOT / "compose.yaml"
SECRETS = "/run/secrets"


@dataclass(frozen=True, kw_only=True)
class Container:
    """One service of compose.yaml."""

    name: str
    #: the words behind `strongroom`
    command: tuple[str, ...]
    profiles: frozenset[str]
    environment: Mapping[str, str]
    #: files by the name under which the container finds them in SECRETS
    secrets: Mapping[str, Path]
    #: published port by port of the container
    ports: Mapping[int, int]

    def serves(self, profiles: Collection[str]) -> bool:
        """Whether it is a service of Strongroom that runs when these profiles are chosen."""
        return self.command[:1] == ("serve",) and (not self.profiles or bool(self.profiles & set(profiles)))


def compose(*arguments: str, secrets: Path | None = None) -> str:
    """Run the real compose on compose.yaml and give what it prints; raises CalledProcessError."""
    program = Path(sys.executable).with_name("docker-compose")
    environment = dict(os.environ) | ({"NODE_SECRETS": str(secrets)} if secrets else {})
    command = [str(program), "--file", str(FILE), "--profile", "*", *arguments]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=30)
    return done.stdout


def containers(secrets: Path) -> dict[str, Container]:
    """Read all services of compose.yaml; `secrets` is the folder of `docker/make-secrets.sh`."""
    whole = json.loads(compose("config", "--format", "json", secrets=secrets))
    files = {name: Path(secret["file"]) for name, secret in whole["secrets"].items()}
    return {name: _container(name, service, files) for name, service in whole["services"].items()}


def _container(name: str, service: Mapping[str, Any], files: Mapping[str, Path]) -> Container:
    return Container(
        name=name,
        command=tuple(service.get("command") or ()),
        profiles=frozenset(service.get("profiles", ())),
        environment=service.get("environment") or {},
        secrets={PurePosixPath(s["target"]).name: files[s["source"]] for s in service.get("secrets", ())},
        ports={port["target"]: int(port["published"]) for port in service.get("ports", ())},
    )
