"""`strongroom upload`: what the command line says becomes a transfer."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from services.cli.output import listing, note
from services.cli.selection import selected
from services.cli.times import duration
from services.cli.transfer.patience import Patience
from services.cli.transfer.report import reporting
from services.cli.transfer.session import conclude, run_all
from services.cli.transfer.stopping import stopped_by_signals, told_patience
from services.cli.transfer.together import Buffers
from services.cli.upload.archive_states import archive_states
from services.cli.upload.config import UploadConfig, complete_config, default_path, open_inbox
from services.cli.upload.inbox import Inbox
from services.cli.upload.records import Records, state_folder
from services.cli.upload.sealing import STEP
from services.cli.upload.send import Sender
from services.cli.upload.sources import find_sources
from services.cli.upload.status import COLUMNS, chosen, states
from shared.crypto.keys import PublicKey, load_public_key
from shared.storage.sizes import MIB


def upload(
    context: typer.Context,
    path: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Files, and folders with all that is in them.")
    ] = None,
    *,
    into: Annotated[str, typer.Option(metavar="FOLDER", help="Folder of the inbox that they go into.")] = "",
    to: Annotated[
        Path | None,
        typer.Option(metavar="PUBLIC_KEY", help="Public key file of the archive, if the configuration holds none."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What log-in gave out: JSON, or for s3cmd. [default: ~/.config/strongroom/upload.json]",
        ),
    ] = None,
    parallel: Annotated[int, typer.Option(min=1, max=64, help="Parts and files under way at once.")] = 4,
    patience: Annotated[
        str, typer.Option(metavar="TIME", help="How long to try again when the archive does not answer.")
    ] = "15m",
    again: Annotated[bool, typer.Option("--again", help="Send files that were sent before, too.")] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Send nothing; show what became of what was sent (PATH: in the inbox).")
    ] = False,
) -> None:
    """Encrypt files and upload them, in parallel; an upload that broke off goes on when the command is run again."""
    where = config or default_path()
    if status:
        _show_status(context, where, [str(one) for one in path or ()], duration(patience, "--patience"))
        return
    if not path:
        raise typer.BadParameter("say what to upload", param_hint="PATH")
    found = find_sources(path, into)
    settings = complete_config(where)
    reader = _reader(settings, to)
    limit = duration(patience, "--patience")
    with reporting(json=selected(context).json) as report:
        report.total(sum(source.size for source in found.sources))
        for one in found.passed_over:
            report.beside("passed over", f"not sent: {one}")
        waiting = told_patience(limit, report)
        with stopped_by_signals(waiting, report), ThreadPoolExecutor(parallel, thread_name_prefix="part") as workers:
            sender = Sender(
                inbox=_inbox(settings, where, waiting, threads=parallel),
                records=_records(settings),
                reader=reader,
                workers=workers,
                buffers=Buffers(parallel * (STEP + MIB)),
                report=report,
                again=again,
            )
            tally = run_all(found.sources, sender.send, report, waiting, at_once=parallel)
    conclude(tally)


def _show_status(context: typer.Context, where: Path, patterns: Sequence[str], limit: timedelta) -> None:
    settings = complete_config(where)
    with reporting(json=False) as report:
        inbox = _inbox(settings, where, told_patience(limit, report), threads=4)
    rows = states(_records(settings), inbox, archive_states(settings), note)
    listing(selected(context), COLUMNS, chosen(rows, patterns))


def _records(config: UploadConfig) -> Records:
    return Records(state_folder(), f"{config.endpoint}/{config.bucket}")


def _reader(config: UploadConfig, to: Path | None) -> PublicKey:
    reader = config.archive_key() if to is None else load_public_key(to)
    if reader is None:
        raise typer.BadParameter("the configuration holds no key of the archive: give it", param_hint="--to")
    return reader


def _inbox(config: UploadConfig, where: Path, patience: Patience, *, threads: int) -> Inbox:
    source = f"log in at {config.login}" if config.login else "log in to your archive, or ask its staff"
    remedy = f"{source}, save the new configuration as {where}, and run the same command again: it goes on"
    return Inbox(partial(complete_config, where), partial(open_inbox, threads=2 * threads), patience, remedy=remedy)
