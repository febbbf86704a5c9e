"""What log-in gives out, as JSON and for s3cmd."""

import json
from pathlib import Path

import pytest

from services.cli.upload.config import default_path, open_inbox, read_config
from shared.crypto.keys import generate
from shared.errors import ConfigurationError

GIVEN = {
    "endpoint": "https://inbox.example.org",
    "access_key": "SPECIMEN",
    "secret_key": "very secret",
    "session_token": None,
    "bucket": "alice",
    "expires": "2027-01-01T00:00:00Z",
    "something": "new",
}


def write(folder: Path, text: str) -> Path:
    path = folder / "upload.json"
    path.write_text(text)
    return path


def test_the_json_form_is_read_and_its_secrets_do_not_show(tmp_path: Path) -> None:
    key = generate().public
    config = read_config(write(tmp_path, json.dumps({**GIVEN, "public_key": key.pem()})))
    assert config.archive_key() == key
    assert open_inbox(config, threads=2).name == "alice"
    assert "very secret" not in repr(config)
    assert "SPECIMEN" not in repr(config)


def test_what_s3cmd_reads_is_read_too(tmp_path: Path) -> None:
    text = "[default]\naccess_key = SPECIMEN\nsecret_key = a%b\nhost_base = inbox.example.org\nuse_https = False\n"
    config = read_config(write(tmp_path, f"{text}access_token = a.b.c\n"))
    assert config.endpoint == "http://inbox.example.org"
    assert config.secret_key.get_secret_value() == "a%b"
    assert config.session_token is not None
    assert config.archive_key() is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "access_key, bucket, endpoint, secret_key: not as the archive gives it out"),
        (json.dumps({**GIVEN, "expires": "2027-01-01"}), "expires: not as the archive gives it out"),
        ("{", "the file: not as the archive gives it out"),
        ("hello", "neither JSON nor an s3cmd configuration"),
        ("[default]\nhost_base = a\n", "neither JSON nor an s3cmd configuration"),
    ],
)
def test_what_is_not_as_it_was_given_out_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        read_config(write(tmp_path, text))
    assert "very secret" not in str(caught.value)


def test_a_configuration_that_is_not_there_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="log in to your archive"):
        read_config(tmp_path / "none")


def test_the_default_place_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_path() == tmp_path / "strongroom" / "upload.json"
    monkeypatch.setenv("STRONGROOM_UPLOAD_CONFIG", "/elsewhere")
    assert default_path() == Path("/elsewhere")
