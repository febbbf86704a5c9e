"""`strongroom up` and `strongroom serve`: start services."""

import json
from pathlib import Path
from typing import Annotated

import typer

from services.cli import registry
from shared.errors import ConfigurationError


def up(
    context: typer.Context,
    *,
    embedded: Annotated[bool, typer.Option("--embedded", help="All services in this process, on a folder.")] = False,
    automatic: Annotated[
        bool, typer.Option("--automatic", help="Ingest every upload, and give accession ids, without being asked.")
    ] = False,
    sftp: Annotated[
        str, typer.Option(help="Where the SFTP inbox listens; port 0 takes a free one.")
    ] = "127.0.0.1:2222",
    s3: Annotated[str, typer.Option(help="Where the S3 inbox listens.")] = "127.0.0.1:8090",
    http: Annotated[str, typer.Option(help="Where the outbox listens.")] = "127.0.0.1:8080",
    login: Annotated[str, typer.Option(help="Where the log-in pages are.")] = "127.0.0.1:8081",
    metrics: Annotated[str, typer.Option(help="Where metrics and health are served.")] = "127.0.0.1:9100",
) -> None:
    """Start a whole node in the foreground: with --embedded on the folder that --data names."""
    from services.cli.embedded import Addresses, embedded_node
    from shared import logs
    from shared.lifecycle import Signals, spare_collector, wait

    folder: Path | None = context.obj.data
    if not embedded or folder is None:
        raise ConfigurationError("say `strongroom up --embedded --data DIR`; the real stack is started by `make up`")
    logs.configure("strongroom")
    addresses = Addresses(sftp, s3, http, login, metrics)
    with Signals() as signals, embedded_node(folder, addresses, automatic=automatic) as node:
        spare_collector()
        typer.echo(json.dumps(node.ready) if context.obj.json else _sentence(node.ready))
        wait(node.parts, signals)


def _sentence(ready: dict[str, str]) -> str:
    return (
        f"Ready. SFTP {ready['sftp']}, S3 {ready['s3']}, outbox {ready['outbox']}, log-in {ready['login']}, "
        f"metrics {ready['metrics']}, "
        f"archive's public key {ready['public_key']}. Ctrl-C stops."
    )


def serve(service: Annotated[str, typer.Argument(help=f"One of {', '.join(registry.SERVICES)}.")]) -> None:
    """Run one service of the real stack, configured by STRONGROOM_* and files of secrets."""
    if service not in registry.SERVICES:
        raise typer.BadParameter(f"there is no service {service}; there are {', '.join(registry.SERVICES)}")
    from services.cli.known import known_settings
    from shared.settings import refuse_unknown

    refuse_unknown(known_settings())
    registry.serve(service)
