"""`strongroom download`: what the command line says becomes a transfer."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from services.cli.download.access import default_path, read_access
from services.cli.download.fetch import Fetcher
from services.cli.download.http import Requests
from services.cli.download.outbox import Outbox
from services.cli.download.plan import wanted_files
from services.cli.output import listing
from services.cli.selection import selected
from services.cli.stdin import read_secret
from services.cli.times import duration
from services.cli.transfer.report import reporting
from services.cli.transfer.session import conclude, run_all
from services.cli.transfer.stopping import stopped_by_signals, told_patience
from shared.crypto.keys import PrivateKey, PublicKey, load_private_key, load_public_key


def download(
    context: typer.Context,
    dataset: Annotated[str | None, typer.Argument(metavar="DATASET", help="None: list what you may read.")] = None,
    file: Annotated[
        list[str] | None, typer.Argument(metavar="FILE", help="Ids, paths or quoted patterns; all if none is given.")
    ] = None,
    *,
    from_file: Annotated[
        Path | None, typer.Option(metavar="LIST", help="Text file with a FILE on each line; # begins a comment.")
    ] = None,
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="Where they go, with their paths.")] = Path(),
    key: Annotated[
        Path | None, typer.Option(metavar="SECRET_KEY", help="Your secret key: files are decrypted with it.")
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option(metavar="PUBLIC_KEY", help="Your public key: files stay encrypted, for it.")
    ] = None,
    passphrase_stdin: Annotated[
        bool, typer.Option("--passphrase-stdin", help="Read the passphrase of the key from standard input.")
    ] = False,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Address of the outbox.")] = None,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File that holds your token, and nothing else.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="JSON with `url` and `token`. [default: ~/.config/strongroom/download.json]"),
    ] = None,
    parallel: Annotated[int, typer.Option(min=1, max=64, help="Pieces and files under way at once.")] = 4,
    patience: Annotated[
        str, typer.Option(metavar="TIME", help="How long to try again when the archive does not answer.")
    ] = "15m",
) -> None:
    """Download files of a dataset, in parallel; a download that broke off goes on when the command is run again."""
    read = partial(read_access, config or default_path(), url, token_file)
    limit = duration(patience, "--patience")
    with reporting(json=selected(context).json) as report:
        waiting = told_patience(limit, report)
        outbox = Outbox(Requests(read, waiting, threads=2 * parallel))
        if dataset is None:
            listing(selected(context), ("dataset",), ({"dataset": one} for one in outbox.datasets()))
            return
        public, private = _keys(key, public_key, passphrase_stdin=passphrase_stdin)
        names = [*(file or ()), *(_names(from_file) if from_file else ())]
        wanted = wanted_files(outbox.files(dataset), names, to, decrypt=private is not None)
        report.total(sum(one.file.size for one in wanted))
        with stopped_by_signals(waiting, report), ThreadPoolExecutor(parallel, thread_name_prefix="piece") as workers:
            fetcher = Fetcher(outbox=outbox, public=public, private=private, workers=workers, report=report)
            tally = run_all(wanted, fetcher.fetch, report, waiting, at_once=parallel)
    conclude(tally)


def _keys(key: Path | None, public_key: Path | None, *, passphrase_stdin: bool) -> tuple[PublicKey, PrivateKey | None]:
    if (key is None) == (public_key is None):
        raise typer.BadParameter("give one of your keys", param_hint="--key or --public-key")
    if public_key is not None:
        return load_public_key(public_key), None
    assert key is not None
    private = load_private_key(key, read_secret("passphrase") if passphrase_stdin else None)
    return private.public, private


def _names(path: Path) -> Sequence[str]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]
