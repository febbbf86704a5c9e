"""The verbs of `strongroom`, as a table; each is imported when it is called."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from services.cli.lazy import LazyGroup, Verb
from services.cli.selection import Selection

VERBS = {
    "users": Verb("services.cli.users", "app", "People who upload and read: log-ins, keys and tokens."),
    "grants": Verb("services.cli.grants", "app", "Who may read which dataset, and until when."),
    "files": Verb("services.cli.files", "app", "Files on their way from the inbox to the archive."),
    "datasets": Verb("services.cli.datasets", "app", "Datasets: made of archived files, released, deprecated."),
    "exports": Verb("services.cli.exports", "app", "Exports that readers asked for: how far they are, and why not."),
    "dead": Verb("services.cli.dead", "app", "Messages that could not be handled: look at them, replay or drop them."),
    "audit": Verb("services.cli.audit", "app", "Who was given what, and whether the record of it is whole."),
    "keys": Verb("services.cli.keys", "app", "Crypt4GH key pairs."),
    "encrypt": Verb("services.cli.crypt", "encrypt", "Encrypt files, so that the holders of the given keys can read."),
    "decrypt": Verb("services.cli.crypt", "decrypt", "Decrypt Crypt4GH files with a secret key."),
    "upload": Verb("services.cli.upload.command", "upload", "Encrypt files and upload them; broken uploads go on."),
    "download": Verb(
        "services.cli.download.command", "download", "Download files of datasets; broken downloads go on."
    ),
    "migrate": Verb("services.cli.admin", "migrate", "Bring the node's database to the schema of this version."),
    "status": Verb("services.cli.admin", "status", "Show what the node holds, owes and could not handle."),
    "up": Verb(
        "services.cli.up", "up", "Start a whole node in the foreground: with --embedded on the folder --data names."
    ),
    "serve": Verb("services.cli.up", "serve", "Run one service of the real stack, configured by STRONGROOM_*."),
    "demo": Verb("services.cli.demo", "demo", "Send a genome file through a node of its own, and out again."),
}


class _Verbs(LazyGroup):
    verbs = VERBS


app = typer.Typer(
    name="strongroom",
    cls=_Verbs,
    no_args_is_help=True,
    help="Strongroom: an archive for sensitive human genomes.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"strongroom {version('strongroom')}")
        raise typer.Exit


@app.callback()
def choose(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of an embedded node, running or not; without it the settings (STRONGROOM_*) choose the node. "
            "Before or after the verb.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Answer in JSON. Before or after the verb.")] = False,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Keep what holds for all verbs."""
    assert not show_version
    context.obj = Selection(data=data, json=json)
