"""`strongroom encrypt` and `strongroom decrypt`: Crypt4GH files on this machine."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from services.cli.folder import Folder
from services.cli.new_file import new_file
from services.cli.output import answer
from services.cli.progress import progress
from services.cli.selection import Selection, selected
from services.cli.stdin import read_secret
from shared.crypto.errors import NoFittingKey
from shared.crypto.keys import PublicKey, load_private_key, load_public_key
from shared.crypto.streams import Progress, decrypt_stream, encrypt_stream
from shared.errors import UserError

SUFFIX = ".c4gh"

Inputs = Annotated[list[Path], typer.Argument(metavar="FILE", help="Files to read.")]
Output = Annotated[
    Path | None, typer.Option(metavar="PATH", help="Where the result of a single FILE goes; beside it if not given.")
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite results that are there.")]

Work = Callable[[FileIO, BinaryIO, Progress], None]


def encrypt(
    context: typer.Context,
    file: Inputs,
    *,
    to: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PUBLIC_KEY",
            help="Public key file of a reader; may be given several times. With --data the archive's key if not given.",
        ),
    ] = None,
    output: Output = None,
    force: Force = False,
) -> None:
    """Encrypt files into FILE.c4gh, so that the holders of the given keys can read them."""
    readers = _readers(selected(context), to)
    targets = _targets(file, output, lambda path: path.with_name(path.name + SUFFIX), force=force)
    for source, target in targets.items():
        _convert(
            source,
            target,
            lambda reading, writing, tell: encrypt_stream(reading, writing.write, readers, on_progress=tell),
            mode=0o666,
        )
    _answer(selected(context), targets)


def decrypt(
    context: typer.Context,
    file: Inputs,
    *,
    key: Annotated[Path, typer.Option(metavar="SECRET_KEY", help="Secret key file of the reader.")],
    passphrase_stdin: Annotated[
        bool,
        typer.Option("--passphrase-stdin", help="Read the key's passphrase from the first line of standard input."),
    ] = False,
    output: Output = None,
    force: Force = False,
) -> None:
    """Decrypt FILE.c4gh into FILE, which only its owner may read."""
    targets = _targets(file, output, _without_suffix, force=force)
    private = load_private_key(key, read_secret("passphrase") if passphrase_stdin else None)
    for source, target in targets.items():
        _convert(
            source,
            target,
            lambda reading, writing, tell: decrypt_stream(reading, writing.write, [private], on_progress=tell),
            mode=0o600,
        )
    _answer(selected(context), targets)


def _readers(selection: Selection, paths: Sequence[Path] | None) -> list[PublicKey]:
    if paths:
        return [load_public_key(path) for path in paths]
    if selection.data is None:
        raise typer.BadParameter("say who is to read: give a public key", param_hint="--to")
    folder = Folder(selection.data)
    folder.require()
    return [load_public_key(folder.archive_public)]


def _without_suffix(path: Path) -> Path:
    if path.suffix != SUFFIX:
        raise typer.BadParameter(f"{path} does not end in {SUFFIX}: say where the result goes", param_hint="--output")
    return path.with_suffix("")


def _targets(
    files: Sequence[Path], output: Path | None, beside: Callable[[Path], Path], *, force: bool
) -> dict[Path, Path]:
    """Return where the result of each file goes; raises UserError before anything is done if one can't go there."""
    if output is not None and len(files) > 1:
        raise typer.BadParameter("is for a single FILE", param_hint="--output")
    targets = {path: output or beside(path) for path in files}
    for source, target in targets.items():
        if not source.is_file():
            raise UserError(f"{source} is not a file")
        if target.exists() and not force:
            raise UserError(f"{target} is there already; --force overwrites it")
        if target.exists() and target.samefile(source):
            raise UserError(f"{target} can't be both read and written")
    return targets


def _convert(source: Path, target: Path, work: Work, *, mode: int) -> None:
    with (
        _named(source),
        source.open("rb", buffering=0) as reading,
        new_file(target, mode) as writing,
        progress(source.name, source.stat().st_size) as tell,
    ):
        work(reading, writing, tell)


@contextmanager
def _named(source: Path) -> Iterator[None]:
    try:
        yield
    except NoFittingKey:
        raise UserError(f"{source}: it is not encrypted for this key") from None
    except UserError as error:
        raise UserError(f"{source}: {error}") from error


def _answer(selection: Selection, targets: dict[Path, Path]) -> None:
    records = [{"file": str(source), "output": str(target)} for source, target in targets.items()]
    answer(selection, records, "\n".join(str(target) for target in targets.values()))
