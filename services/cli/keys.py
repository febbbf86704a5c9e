"""`strongroom keys`: Crypt4GH key pairs."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.output import answer
from services.cli.selection import selected
from services.cli.stdin import read_secret
from shared.crypto.keys import generate, write_key_pair

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def keep_the_verb() -> None:
    """Crypt4GH key pairs."""


@app.command("generate")
def generate_pair(
    context: typer.Context,
    name: Annotated[Path, typer.Argument(metavar="NAME", help="The files will be NAME.sec and NAME.pub.")],
    passphrase_stdin: Annotated[
        bool,
        typer.Option("--passphrase-stdin", help="Lock the secret key with the first line of standard input."),
    ] = False,
) -> None:
    """Make a key pair; files that are there are never overwritten."""
    secret, public = name.with_name(f"{name.name}.sec"), name.with_name(f"{name.name}.pub")
    passphrase = read_secret("passphrase") if passphrase_stdin else None
    key = generate()
    write_key_pair(key, secret, public, passphrase)
    record = {"secret": str(secret), "public": str(public), "fingerprint": key.fingerprint}
    answer(selected(context), record, f"{secret}: keep it secret\n{public}: give it to those who encrypt for you")
