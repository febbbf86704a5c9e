"""Settings: all that is wrong is said at once, and never a value."""

from pathlib import Path

import pytest
from pydantic import Field, SecretStr

from shared.broker.real import RealSettings
from shared.broker.settings import FlowSettings
from shared.errors import ConfigurationError
from shared.settings import SECRETS, Settings, load, refuse_unknown, variable


class Sample(Settings):
    number: int = Field(description="A number.")
    password: SecretStr = Field(description="A password.")
    pattern: str = Field(default="a", pattern="^a", description="A text.")


def loaded(monkeypatch: pytest.MonkeyPatch, **values: str) -> Sample:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return load(Sample)


def test_values_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    found = loaded(monkeypatch, STRONGROOM_NUMBER="7", STRONGROOM_PASSWORD="hidden", UNRELATED="x")
    assert (found.number, found.password.get_secret_value(), found.pattern) == (7, "hidden", "a")
    assert "hidden" not in repr(found)


def test_all_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(monkeypatch, STRONGROOM_PASSWORD="")
    assert str(caught.value).splitlines() == ["STRONGROOM_NUMBER: is not set", "STRONGROOM_PASSWORD: is not set"]


def test_unknown_key_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="unknown settings: STRONGROOM_NUMBR") as caught:
        refuse_unknown(Sample.model_fields, {"STRONGROOM_NUMBER": "7", "STRONGROOM_NUMBR": "seven"})
    assert "seven" not in str(caught.value)


def test_key_of_another_service_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_unknown({*Sample.model_fields, "other"}, {"STRONGROOM_OTHER": "x", "STRONGROOM_NUMBER": "7"})
    assert loaded(monkeypatch, STRONGROOM_OTHER="x", STRONGROOM_NUMBER="7", STRONGROOM_PASSWORD="hidden").number == 7


def test_wrong_value_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="STRONGROOM_NUMBER") as caught:
        loaded(monkeypatch, STRONGROOM_NUMBER="hidden-1", STRONGROOM_PASSWORD="hidden-2", STRONGROOM_PATTERN="hidden-3")
    assert "STRONGROOM_PATTERN" in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_list_that_is_no_json_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGROOM_NOT_YET_SECONDS", "hidden")
    with pytest.raises(ConfigurationError, match="not_yet_seconds") as caught:
        load(FlowSettings)
    assert "hidden" not in str(caught.value)


def test_secrets_come_from_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "strongroom_password").write_text("hidden\n", encoding="utf-8")
    monkeypatch.setenv(SECRETS, str(tmp_path))
    assert loaded(monkeypatch, STRONGROOM_NUMBER="7").password.get_secret_value() == "hidden"


def test_missing_folder_of_secrets_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(SECRETS, str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match=SECRETS):
        loaded(monkeypatch, STRONGROOM_NUMBER="7", STRONGROOM_PASSWORD="x")


def test_patience_is_what_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGROOM_NOT_YET_SECONDS", "[1, 2.5]")
    monkeypatch.setenv("STRONGROOM_NOT_YET_DAYS", "2")
    patience = load(FlowSettings).patience
    assert patience.not_yet == (1, 2.5)
    assert patience.not_yet_deadline.days == 2


def test_every_setting_is_described() -> None:
    for name, field in RealSettings.model_fields.items():
        assert field.description, variable(name)
