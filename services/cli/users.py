"""`strongroom users`: people who upload and read."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from services.cli.context import opened, place
from services.cli.output import answer, listing
from services.cli.queries import USER_SWITCH, listed_users
from services.cli.selection import Selection, selected
from services.cli.stdin import read_secret
from services.cli.times import duration
from shared.access.passwords import hash_password
from shared.access.tokens import TokenIssuer
from shared.access.users import User, check_user_name, find_user, normal_ssh_key
from shared.database.statements import USER_ADD, USER_ADD_KEY
from shared.database.types import now
from shared.errors import UserError

SHORTEST_PASSWORD = 12

app = typer.Typer(no_args_is_help=True, add_completion=False)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the user.")]


@app.command("add")
def add(
    context: typer.Context,
    name: Name,
    ssh_key: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="File of SSH public keys, one a line; may be given several times."),
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read a password from the first line of standard input.")
    ] = False,
) -> None:
    """Add a user, or add keys and set the password of one who is there."""
    if not ssh_key and not password_stdin:
        raise typer.BadParameter("a user needs something to log in with", param_hint="--ssh-key or --password-stdin")
    check_user_name(name)
    keys = [key for path in ssh_key or () for key in _keys_in(path)]
    password_hash = _hashed(read_secret("password")) if password_stdin else None
    with opened(selected(context)) as node:
        with node.database.read() as connection:
            known = find_user(connection, name)
        unit = node.unit()
        unit.add(USER_ADD, name=name, password_hash=password_hash, at=unit.at)
        for key in keys:
            unit.add(USER_ADD_KEY, user=name, ssh_key=key)
        node.commit(unit)
    record = {"name": name, "added": known is None, "ssh_keys": keys, "password_set": password_stdin}
    answer(selected(context), record, f"{name}: {'changed' if known else 'added'}")


@app.command("list")
def list_users(context: typer.Context) -> None:
    """List all users, and how they may log in."""
    with opened(selected(context)) as node, node.database.read() as connection:
        columns = ("name", "enabled", "password", "ssh_keys", "registered_at")
        listing(selected(context), columns, listed_users(connection))


@app.command("disable")
def disable(context: typer.Context, name: Name) -> None:
    """Let a user log in no more; what is uploaded and granted stays."""
    _switch(selected(context), name, enabled=False)


@app.command("enable")
def enable(context: typer.Context, name: Name) -> None:
    """Let a user log in again."""
    _switch(selected(context), name, enabled=True)


@app.command("token")
def token(
    context: typer.Context,
    name: Name,
    ttl: Annotated[str, typer.Option(metavar="TIME", help="How long it is good for: 30s, 15m, 1h, 7d.")] = "1h",
) -> None:
    """Print a token with which a user may upload and download."""
    lifetime = duration(ttl, "--ttl")
    issuer = TokenIssuer(place(selected(context)).token_pem())
    with opened(selected(context)) as node, node.database.read() as connection:
        user = _enabled(find_user(connection, name), name)
    _print_token(selected(context), issuer, user, lifetime)


@app.command("credentials")
def credentials(
    context: typer.Context,
    name: Name,
    ttl: Annotated[str, typer.Option(metavar="TIME", help="How long they are good for: 15m, 24h, 7d.")] = "24h",
    form: Annotated[
        str, typer.Option("--format", metavar="FORM", help="json, or the configuration of s3cmd, rclone or aws.")
    ] = "json",
) -> None:
    """Make S3 credentials with which a user may upload, and print them as a client wants them."""
    from shared.access.s3_clients import FORMS

    lifetime = duration(ttl, "--ttl")
    if form not in FORMS:
        raise typer.BadParameter(f"there is no {form}; there are {', '.join(FORMS)}", param_hint="--format")
    with opened(selected(context)) as node:
        keeper = node.place.credential_keeper()
        with node.database.read() as connection:
            user = _enabled(find_user(connection, name), name)
        unit = node.unit()
        inbox = node.place.inbox(keeper.issue(unit, user.name, lifetime))
        node.commit(unit)
    typer.echo(FORMS[form].write(inbox), nl=False)


@app.command("revoke")
def revoke(
    context: typer.Context,
    name: Name,
    access_key: Annotated[
        str | None, typer.Option("--access-key", metavar="KEY", help="These alone, not all that the user has.")
    ] = None,
) -> None:
    """End S3 credentials of a user; the inbox knows within seconds."""
    with opened(selected(context)) as node:
        keeper = node.place.credential_keeper()
        with node.database.read() as connection:
            _present(find_user(connection, name), name)
            keys = [found.access_key for found in keeper.of_user(connection, name)]
        ended = [key for key in keys if access_key in (None, key)]
        unit = node.unit()
        for key in ended:
            keeper.revoke(unit, name, key)
        node.commit(unit)
    answer(selected(context), {"name": name, "revoked": ended}, f"{name}: {len(ended)} S3 credentials revoked")


def _print_token(selection: Selection, issuer: TokenIssuer, user: User, lifetime: timedelta) -> None:
    expires = now() + lifetime
    issued = issuer.issue(user.name, lifetime)
    answer(selection, {"token": issued, "expires": expires}, issued)


def _keys_in(path: Path) -> list[str]:
    lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys:
        raise UserError(f"{path} holds no SSH public key")
    try:
        return [normal_ssh_key(key) for key in keys]
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _hashed(password: str) -> str:
    if len(password) < SHORTEST_PASSWORD:
        raise UserError(f"a password has at least {SHORTEST_PASSWORD} characters")
    return hash_password(password)


def _present(user: User | None, name: str) -> User:
    if user is None:
        raise UserError(f"there is no user {name}; strongroom users list shows who there is")
    return user


def _enabled(user: User | None, name: str) -> User:
    found = _present(user, name)
    if not found.enabled:
        raise UserError(f"{name} is disabled; strongroom users enable {name} lets them log in again")
    return found


def _switch(selection: Selection, name: str, *, enabled: bool) -> None:
    with opened(selection) as node:
        with node.database.read() as connection:
            _present(find_user(connection, name), name)
        unit = node.unit()
        unit.add(USER_SWITCH, person=name, is_enabled=int(enabled))
        node.commit(unit)
    answer(selection, {"name": name, "enabled": enabled}, f"{name}: {'enabled' if enabled else 'disabled'}")
