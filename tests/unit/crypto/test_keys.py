"""Keys: read as others write them, written so that others can read them, and never shown."""

import base64
import copy
import logging
import pickle
import stat
from collections.abc import Callable
from pathlib import Path

import crypt4gh.keys
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from shared.crypto.errors import BadPublicKey, KeyFileError
from shared.crypto.header import open_header, seal_header
from shared.crypto.keys import (
    PrivateKey,
    PublicKey,
    generate,
    load_private_key,
    load_public_key,
    parse_public_key,
    write_key_pair,
)

SECRET = bytes(range(1, 33))
PRIVATE = PrivateKey(SECRET)
# Two of the points of low order on Curve25519, besides 0 and 1
ORDER_EIGHT = bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")
MINUS_ONE = bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")
LOW_ORDER = [bytes(32), b"\x01" + bytes(31), ORDER_EIGHT, MINUS_ONE]


def test_public_key_is_the_one_of_x25519() -> None:
    assert PRIVATE.public.raw == X25519PrivateKey.from_private_bytes(SECRET).public_key().public_bytes_raw()
    assert PRIVATE.fingerprint == PRIVATE.public.fingerprint == PRIVATE.public.raw.hex()


def test_generated_keys_differ() -> None:
    assert len({generate() for _ in range(5)}) == 5


@pytest.mark.parametrize("show", [repr, str, "{}".format, lambda key: repr([key]), lambda key: repr(vars(type(key)))])
def test_private_key_never_shows_its_secret(show: Callable[[PrivateKey], str]) -> None:
    shown = show(PRIVATE)
    assert SECRET.hex() not in shown
    assert repr(SECRET)[2:-1] not in shown


@pytest.mark.parametrize("leak", [pickle.dumps, copy.deepcopy])
def test_private_key_is_not_pickled(leak: Callable[[PrivateKey], object]) -> None:
    with pytest.raises(TypeError, match="not pickled"):
        leak(PRIVATE)


@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_written_pair_is_read_back_by_us_and_by_the_stock_library(tmp_path: Path, passphrase: str | None) -> None:
    secret, public = tmp_path / "key.sec", tmp_path / "key.pub"
    write_key_pair(PRIVATE, secret, public, passphrase)
    assert load_private_key(secret, passphrase) == PRIVATE
    assert load_public_key(public) == PRIVATE.public
    assert crypt4gh.keys.get_private_key(secret, lambda: passphrase) == SECRET
    assert crypt4gh.keys.get_public_key(public) == PRIVATE.public.raw
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_pair_of_the_stock_library_is_read(tmp_path: Path) -> None:
    secret, public = tmp_path / "key.sec", tmp_path / "key.pub"
    crypt4gh.keys.c4gh.generate(secret, public, b"pass", b"a comment")
    assert load_private_key(str(secret), "pass").public == load_public_key(str(public))


@pytest.mark.parametrize("existing", ["key.sec", "key.pub"])
def test_existing_key_file_is_never_overwritten(tmp_path: Path, existing: str) -> None:
    (tmp_path / existing).write_text("precious")
    with pytest.raises(KeyFileError, match=existing):
        write_key_pair(PRIVATE, tmp_path / "key.sec", tmp_path / "key.pub", None)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(existing, "precious")]


@pytest.mark.parametrize("passphrase", [None, "secret"])
def test_openssh_pair_is_one_pair(tmp_path: Path, passphrase: str | None) -> None:
    key = Ed25519PrivateKey.generate()
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    (tmp_path / "id").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption))
    (tmp_path / "id.pub").write_bytes(key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b" me\n")
    private = load_private_key(tmp_path / "id", passphrase)
    assert private.public == load_public_key(tmp_path / "id.pub")
    header = seal_header([SECRET], [private.public])
    assert open_header(header, [private]).data_keys == (SECRET,)


@pytest.mark.parametrize("passphrase", [None, "", "Tr0ub4dor"])
def test_wrong_passphrase_is_told_with_the_file(tmp_path: Path, passphrase: str | None) -> None:
    path = tmp_path / "key.sec"
    write_key_pair(PRIVATE, path, tmp_path / "key.pub", "right")
    with pytest.raises(KeyFileError, match=r"key\.sec.*passphrase") as caught:
        load_private_key(path, passphrase)
    assert "Tr0ub4dor" not in str(caught.value)


JUNK = {
    "empty": b"",
    "binary": bytes(range(256)),
    "text": b"hello\n",
    "pem of nothing": b"-----BEGIN CRYPT4GH PRIVATE KEY-----\n-----END CRYPT4GH PRIVATE KEY-----\n",
    "short key": b"-----BEGIN CRYPT4GH PUBLIC KEY-----\nAAAA\n-----END CRYPT4GH PUBLIC KEY-----\n",
    "cut c4gh": b"-----BEGIN X-----\n" + base64.b64encode(b"c4gh-v1\x00\x04no") + b"\n-----END X-----\n",
    "short c4gh": b"-----BEGIN X-----\n"
    + base64.b64encode(b"c4gh-v1\x00\x04none\x00\x04none\x00\x03abc")
    + b"\n-----END X-----\n",
    "cut ssh": b"-----BEGIN X-----\n" + base64.b64encode(b"openssh-key-v1\x00\x00\x00") + b"\n-----END X-----\n",
    "rsa": b"ssh-rsa AAAA\n",
    "bad ed25519": b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAA2Fi\n",
}


@pytest.mark.parametrize("name", JUNK)
@pytest.mark.parametrize("load", [lambda path: load_private_key(path, "x"), load_public_key])
def test_junk_in_a_key_file_is_told_with_the_file(tmp_path: Path, load: Callable[[Path], object], name: str) -> None:
    path = tmp_path / "the.key"
    path.write_bytes(JUNK[name])
    with pytest.raises(KeyFileError, match=r"the\.key"):
        load(path)


@pytest.mark.parametrize("load", [lambda path: load_private_key(path, None), load_public_key])
def test_missing_key_file_is_told(tmp_path: Path, load: Callable[[Path], object]) -> None:
    with pytest.raises(KeyFileError, match="No such file"):
        load(tmp_path / "none")
    with pytest.raises(KeyFileError, match="directory"):
        load(tmp_path)


def test_public_key_file_of_low_order_is_told(tmp_path: Path) -> None:
    (tmp_path / "zero.pub").write_text(PRIVATE.public.pem().replace(_text(PRIVATE.public.raw), _text(bytes(32))))
    with pytest.raises(KeyFileError, match=r"zero\.pub.*no protection"):
        load_public_key(tmp_path / "zero.pub")


@pytest.mark.parametrize(
    "sent",
    [
        _pem := PRIVATE.public.pem(),
        _pem.encode(),
        _pem.replace("\n", " "),
        _pem.replace("\n", "\r\n"),
        base64.b64encode(_pem.encode()),
        base64.b64encode(_pem.strip().encode()).decode(),
        base64.b64encode(PRIVATE.public.raw).decode(),
        b" " + base64.b64encode(PRIVATE.public.raw) + b"\n",
    ],
)
def test_public_key_of_a_request_is_read(sent: str | bytes) -> None:
    assert parse_public_key(sent) == PRIVATE.public


@pytest.mark.parametrize(
    "sent",
    [
        "",
        b"",
        "not base64!",
        "ÄÖÜ",
        b"\xff\xfe",
        "AAAA",
        "A" * 100_000,
        PRIVATE.public.hex(),
        PRIVATE.public.pem()[:-10],
        base64.b64encode(bytes(33)).decode(),
        base64.b64encode(base64.b64encode(base64.b64encode(PRIVATE.public.raw))).decode(),
        *(base64.b64encode(point).decode() for point in LOW_ORDER),
    ],
)
def test_anything_else_in_a_request_is_a_bad_public_key(sent: str | bytes) -> None:
    with pytest.raises(BadPublicKey):
        parse_public_key(sent)


@pytest.mark.parametrize("point", LOW_ORDER)
def test_points_of_low_order_are_no_public_keys(point: bytes) -> None:
    with pytest.raises(BadPublicKey):
        PublicKey(point)


def test_no_secret_is_logged_at_debug(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[logging.LogRecord] = []
    handler = logging.Handler(logging.DEBUG)
    handler.emit = seen.append  # type: ignore[method-assign, assignment]
    library = logging.getLogger("crypt4gh")
    library.addHandler(handler)
    try:
        with caplog.at_level(logging.DEBUG):
            write_key_pair(PRIVATE, tmp_path / "key.sec", tmp_path / "key.pub", "pass")
            load_private_key(tmp_path / "key.sec", "pass")
            open_header(seal_header([SECRET], [generate().public, PRIVATE.public]), [generate(), PRIVATE])
    finally:
        library.removeHandler(handler)
    assert seen == []
    assert not library.propagate
    assert caplog.records == []


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
