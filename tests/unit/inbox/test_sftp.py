"""The SFTP session stands between every client and the file system of the machine."""

import asyncssh
import pytest
from asyncssh import SFTPServer

from services.inbox.errors import NotAllowed, NotThere
from services.inbox.sftp import SftpSession
from services.inbox.sftp_errors import AWAY, told_to_client
from shared.database.engine import DatabaseAway
from shared.storage.errors import StoreUnavailable

HARMLESS = {"channel", "connection", "env", "logger", "convert_attrs", "format_longname"}


def test_every_method_of_the_base_class_is_replaced() -> None:
    base = {name for name in vars(SFTPServer) if not name.startswith("_")}
    assert base - HARMLESS <= vars(SftpSession).keys()


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (NotThere("no such folder"), asyncssh.SFTPNoSuchFile, "no such folder"),
        (NotAllowed("not here"), asyncssh.SFTPPermissionDenied, "not here"),
        (DatabaseAway("host=db user=x"), asyncssh.SFTPFailure, AWAY),
        (StoreUnavailable("bucket"), asyncssh.SFTPFailure, AWAY),
        (KeyError("secret"), asyncssh.SFTPFailure, "something is wrong"),
    ],
)
def test_client_is_told_its_own_mistakes_and_no_internals(
    error: Exception, kind: type[asyncssh.SFTPError], words: str
) -> None:
    with pytest.raises(kind, match=words) as told, told_to_client():
        raise error
    assert "secret" not in str(told.value.reason)


def test_log_of_a_fault_names_no_one(capsys: pytest.CaptureFixture[str]) -> None:
    path = b"ann/secret.c4gh".decode()
    with pytest.raises(asyncssh.SFTPFailure), told_to_client():
        raise RuntimeError(path)
    out = capsys.readouterr()
    assert "RuntimeError" in out.out + out.err
    assert path not in out.out + out.err
