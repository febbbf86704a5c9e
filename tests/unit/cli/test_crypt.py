import os
from pathlib import Path

import pytest

from services.cli.new_file import new_file
from services.cli.progress import progress
from shared.crypto.keys import load_private_key, load_public_key
from tests.unit.cli.node import CommandLine, Node

CONTENT = os.urandom(200_000)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strongroom: CommandLine) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "a.vcf").write_bytes(CONTENT)
    assert strongroom("keys", "generate", "me").code == 0
    return folder


def test_generate_writes_a_pair_and_never_overwrites(here: Path, strongroom: CommandLine) -> None:
    assert load_private_key(here / "me.sec", None).public == load_public_key(here / "me.pub")
    assert (here / "me.sec").stat().st_mode & 0o777 == 0o600
    answer = strongroom("keys", "generate", "me")
    assert answer.code == 1
    assert "there is a file already" in answer.err
    made = strongroom("keys", "generate", "my.key", "--json").json
    assert (made["secret"], made["public"]) == ("my.key.sec", "my.key.pub")


def test_a_passphrase_locks_the_secret_key(here: Path, strongroom: CommandLine) -> None:
    assert strongroom("keys", "generate", "you", "--passphrase-stdin", stdin="open sesame\n").code == 0
    strongroom("encrypt", "a.vcf", "--to", "you.pub")
    words = ("decrypt", "a.vcf.c4gh", "--key", "you.sec", "--output", "b")
    assert "passphrase" in strongroom(*words).err
    assert strongroom(*words, "--passphrase-stdin", stdin="open sesame\n").code == 0
    assert (here / "b").read_bytes() == CONTENT
    assert strongroom("keys", "generate", "she", "--passphrase-stdin").code == 1


def test_what_is_encrypted_decrypts_to_what_it_was(here: Path, strongroom: CommandLine) -> None:
    answer = strongroom("encrypt", "a.vcf", "--to", "me.pub", "--json")
    assert answer.json == [{"file": "a.vcf", "output": "a.vcf.c4gh"}]
    assert (here / "a.vcf.c4gh").read_bytes().startswith(b"crypt4gh")
    (here / "a.vcf").unlink()
    assert strongroom("decrypt", "a.vcf.c4gh", "--key", "me.sec").out == "a.vcf\n"
    assert (here / "a.vcf").read_bytes() == CONTENT
    assert (here / "a.vcf").stat().st_mode & 0o777 == 0o600


def test_several_readers_and_several_files(here: Path, strongroom: CommandLine) -> None:
    strongroom("keys", "generate", "you")
    (here / "b.vcf").write_bytes(b"")
    assert strongroom("encrypt", "a.vcf", "b.vcf", "--to", "me.pub", "--to", "you.pub").code == 0
    for key in ("me.sec", "you.sec"):
        assert strongroom("decrypt", "a.vcf.c4gh", "b.vcf.c4gh", "--key", key, "--force").code == 0
        assert (here / "a.vcf").read_bytes() == CONTENT
        assert (here / "b.vcf").read_bytes() == b""


def test_a_node_lends_its_key_to_encrypt_for(here: Path, node: Node, strongroom: CommandLine) -> None:
    assert node("encrypt", "a.vcf").code == 0
    key = node.folder.archive_secret
    assert strongroom("decrypt", "a.vcf.c4gh", "--key", key, "--output", "b").code == 0
    assert strongroom("encrypt", "a.vcf", "--force").code == 2


def test_nothing_is_overwritten_unasked(here: Path, strongroom: CommandLine) -> None:
    (here / "a.vcf.c4gh").write_bytes(b"precious")
    answer = strongroom("encrypt", "a.vcf", "--to", "me.pub")
    assert answer.code == 1
    assert "--force" in answer.err
    assert (here / "a.vcf.c4gh").read_bytes() == b"precious"
    assert strongroom("encrypt", "a.vcf", "--to", "me.pub", "--force").code == 0
    assert (
        "both read and written" in strongroom("encrypt", "a.vcf", "--to", "me.pub", "--output", "a.vcf", "--force").err
    )


def test_a_damaged_file_leaves_no_plaintext(here: Path, strongroom: CommandLine) -> None:
    strongroom("encrypt", "a.vcf", "--to", "me.pub")
    damaged = bytearray((here / "a.vcf.c4gh").read_bytes())
    damaged[-1] ^= 1
    (here / "a.vcf.c4gh").write_bytes(damaged)
    before = sorted(path.name for path in here.iterdir())
    answer = strongroom("decrypt", "a.vcf.c4gh", "--key", "me.sec", "--output", "b")
    assert answer.code == 1
    assert "a.vcf.c4gh: The file is damaged in segment 3" in answer.err
    assert sorted(path.name for path in here.iterdir()) == before


def test_a_file_for_someone_else_is_said_to_be(here: Path, strongroom: CommandLine) -> None:
    strongroom("keys", "generate", "you")
    strongroom("encrypt", "a.vcf", "--to", "you.pub")
    answer = strongroom("decrypt", "a.vcf.c4gh", "--key", "me.sec", "--output", "b")
    assert answer.err == "strongroom: a.vcf.c4gh: it is not encrypted for this key\n"


@pytest.mark.parametrize(
    "words",
    [
        ("encrypt", "a.vcf"),
        ("encrypt", "a.vcf", "me.pub", "--to", "me.pub", "--output", "b"),
        ("decrypt", "a.vcf", "--key", "me.sec"),
        ("decrypt", "a.vcf.c4gh"),
    ],
)
def test_what_is_left_unsaid_is_a_usage_error(here: Path, strongroom: CommandLine, words: tuple[str, ...]) -> None:
    assert strongroom(*words).code == 2


def test_a_file_that_is_not_there_is_named(here: Path, strongroom: CommandLine) -> None:
    assert "none is not a file" in strongroom("encrypt", "none", "--to", "me.pub").err
    assert "none.pub: No such file" in strongroom("encrypt", "a.vcf", "--to", "none.pub").err
    assert strongroom("encrypt", "a.vcf", "--to", "me.pub", "--output", "no/such").code == 1


def test_an_interrupted_file_does_not_appear(tmp_path: Path) -> None:
    def interrupted() -> None:
        with new_file(tmp_path / "a", 0o600) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_progress_is_silent_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("a", 10) as tell:
        tell(5)
    assert capsys.readouterr() == ("", "")
