import pytest
from pydantic import SecretStr, ValidationError

from shared.errors import ConfigurationError
from shared.storage.s3 import S3Store
from shared.storage.settings import S3Settings, open_store


def account(endpoint: str = "https://s3.example.org") -> S3Settings:
    return S3Settings(endpoint=endpoint, access_key=SecretStr("access"), secret_key=SecretStr("hush"))


def test_a_bucket_is_opened_without_asking_the_server() -> None:
    store = open_store("s3://archive", account())
    assert isinstance(store, S3Store)
    assert store.name == "archive"


@pytest.mark.parametrize(
    "location",
    ["", "archive", "s3://", "s3://a", "s3://Upper", "s3://a/b", "dir:", "dir:relative", "file:///", "ftp://x/y"],
)
def test_other_locations_are_refused(location: str) -> None:
    with pytest.raises(ConfigurationError):
        open_store(location, account())


@pytest.mark.parametrize(
    "endpoint", ["s3.example.org", "s3.example.org:9000", "ftp://s3.example.org", "https://", "http://x/y"]
)
def test_an_endpoint_is_a_url_of_a_host(endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match="endpoint"):
        open_store("s3://archive", account(endpoint))


def test_a_bucket_needs_an_account() -> None:
    with pytest.raises(ConfigurationError, match="keys"):
        open_store("s3://archive", None)


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ValidationError):
        S3Settings.model_validate({"endpoint": "https://x", "access_key": "a", "secret_key": "b", "regoin": "c"})
