"""What a node has of its servers: a vhost, a database with its roles, and buckets."""

import contextlib
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from tests.stack import s3
from tests.stack.handles import PostgresServer, RabbitMQ, S3Server
from tests.stack.management import Management
from tests.stack.node.compose import ROOT
from tests.stack.postgres import create_database, drop_database
from tests.stack.process import ServerError

VHOST = "sda"
DATABASE = "strongroom"
BUCKETS = ("inbox", "archive", "backup", "exports")


@dataclass(frozen=True, kw_only=True)
class Servers:
    """The servers of a node."""

    rabbitmq: RabbitMQ
    postgres: PostgresServer
    minio: S3Server


class Ground:
    """One node's part of servers that it may share with others; with a `name` its vhost, database, buckets have it."""

    def __init__(self, servers: Servers, *, secrets: Path, name: str | None = None) -> None:
        self.servers = servers
        self._secrets = secrets
        self.vhost = name or VHOST
        self.database = name or DATABASE
        self.buckets = {bucket: f"{name}-{bucket}" if name else bucket for bucket in BUCKETS}

    @property
    def places(self) -> Mapping[str, str]:
        """What stands on this machine for the addresses in compose.yaml and in the secrets."""
        rabbitmq, postgres = self.servers.rabbitmq, self.servers.postgres
        return {
            f"rabbitmq:5672/{VHOST}": f"{rabbitmq.host}:{rabbitmq.port}/{quote(self.vhost, safe='')}",
            f"postgres:5432/{DATABASE}": f"{postgres.host}:{postgres.port}/{self.database}",
            "http://minio:9000": self.servers.minio.endpoint,
        } | {f"s3://{bucket}": f"s3://{name}" for bucket, name in self.buckets.items()}

    @property
    def account(self) -> Mapping[str, str]:
        """The secrets that the S3 server has its own values for."""
        minio = self.servers.minio
        return {"strongroom_s3_access_key": minio.access_key, "strongroom_s3_secret_key": minio.secret_key}

    def make(self) -> None:
        """Make vhost, queues, users, database and roles, by the files that compose gives to the servers."""
        management = Management(self.servers.rabbitmq)
        management.create_vhost(self.vhost)
        management.call("POST", "definitions", body=self._definitions())
        with contextlib.suppress(psycopg.errors.DuplicateDatabase):
            create_database(self.servers.postgres, self.database)
        self._make_roles()

    def drop(self) -> None:
        """Take all of it away; the users and roles stay, which other nodes of these servers share."""
        Management(self.servers.rabbitmq).delete_vhost(self.vhost)
        drop_database(self.servers.postgres, self.database)
        for bucket in self.buckets.values():
            s3.delete_bucket(self.servers.minio, bucket)

    def _definitions(self) -> dict[str, list[dict[str, Any]]]:
        """Join what compose mounts into RabbitMQ's folder of definitions, moved to this node's vhost."""
        files = (ROOT / "docker/rabbitmq/definitions.json", self._secrets / "rabbitmq_users.json")
        whole: dict[str, list[dict[str, Any]]] = {}
        for file in files:
            whole |= json.loads(file.read_text(encoding="utf-8"))
        del whole["vhosts"]
        return {kind: [self._moved(thing) for thing in things] for kind, things in whole.items()}

    def _moved(self, thing: dict[str, Any]) -> dict[str, Any]:
        return thing | ({"vhost": self.vhost} if "vhost" in thing else {})

    def _make_roles(self) -> None:
        server = self.servers.postgres
        environment = os.environ | {
            "PGHOST": server.host,
            "PGPORT": str(server.port),
            "PGPASSWORD": server.password,
            "POSTGRES_USER": server.user,
            "POSTGRES_DB": self.database,
            "SECRETS": str(self._secrets),
        }
        script = ROOT / "docker/postgres/10-roles.sh"
        done = subprocess.run([script], env=environment, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise ServerError(f"{script.name} failed: {done.stderr}")


def make_secrets(folder: Path, strongroom: str) -> Path:
    """Make the secrets of a node, as its operator does; `strongroom` is the command line. Gives the folder."""
    script = ROOT / "docker/make-secrets.sh"
    environment = os.environ | {"STRONGROOM": strongroom, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([script, folder], env=environment, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise ServerError(f"{script.name} failed: {done.stderr}")
    return folder
