"""Which files are fetched, where they go, and with which token."""

import json
from pathlib import Path

import pytest

from services.cli.download.access import default_path, read_access
from services.cli.download.outbox import RemoteFile
from services.cli.download.plan import wanted_files
from shared.errors import ConfigurationError, UserError

HERE = Path("here")


def files(*paths: str) -> list[RemoteFile]:
    return [RemoteFile(id=f"F{number}", path=path, size=1, digests={}) for number, path in enumerate(paths)]


def targets(*paths: str, names: tuple[str, ...] = (), decrypt: bool = True) -> list[str]:
    return [str(one.target) for one in wanted_files(files(*paths), names, HERE, decrypt=decrypt)]


def test_decrypted_files_lose_the_ending_and_encrypted_ones_have_it() -> None:
    assert targets("a/b.bam.c4gh", "c.bam") == ["here/a/b.bam", "here/c.bam"]
    assert targets("a/b.bam.c4gh", "c.bam", decrypt=False) == ["here/a/b.bam.c4gh", "here/c.bam.c4gh"]


def test_files_are_named_by_id_path_or_pattern() -> None:
    assert targets("a/1", "a/2", "b/1", names=("F2", "*/2")) == ["here/a/2", "here/b/1"]
    with pytest.raises(UserError, match="no file F9, x"):
        targets("a/1", names=("x", "a/1", "F9"))


@pytest.mark.parametrize("path", ["../a", "/etc/passwd", "a/../../b", "a//b", "a/.", "", "a\n", "a\x1b[2Jb"])
def test_no_file_leaves_the_folder_whatever_the_server_says(path: str) -> None:
    with pytest.raises(UserError, match="is no path for a file here"):
        targets(path)


def test_two_files_never_become_one() -> None:
    with pytest.raises(UserError, match="F0 and F1 would both be here/a"):
        targets("a", "a.c4gh")


def test_the_token_comes_from_a_file_or_the_configuration(tmp_path: Path) -> None:
    config, token = tmp_path / "download.json", tmp_path / "token"
    token.write_text("from file\n")
    access = read_access(config, "https://outbox.example.org/", token)
    assert (access.url, access.token) == ("https://outbox.example.org", "from file")
    assert "from file" not in repr(access)
    with pytest.raises(ConfigurationError, match="say --url and --token-file"):
        read_access(config, None, token)
    config.write_text(json.dumps({"url": "https://other.example.org", "token": "inside"}))
    assert read_access(config, None, None).token == "inside"
    assert read_access(config, None, token).token == "from file"
    assert read_access(config, "https://x", None).url == "https://x"
    config.write_text("{}")
    with pytest.raises(ConfigurationError, match="is not JSON with `url`"):
        read_access(config, None, None)
    config.write_text('{"url": "https://x"}')
    with pytest.raises(ConfigurationError, match="holds no token"):
        read_access(config, None, None)


def test_the_default_place_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_path() == tmp_path / "strongroom" / "download.json"
    monkeypatch.setenv("STRONGROOM_DOWNLOAD_CONFIG", "/elsewhere")
    assert default_path() == Path("/elsewhere")
