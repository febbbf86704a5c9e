"""The command line as a whole: selection, exit codes, errors."""

import subprocess
import sys
from pathlib import Path

import pytest

from services.cli.app import VERBS
from services.cli.arguments import arranged
from services.cli.known import known_settings
from shared.database.engine import Database
from shared.settings import variable
from tests.unit.cli.node import CommandLine, Node


def test_data_and_json_may_stand_before_or_after_the_verb(node: Node, strongroom: CommandLine) -> None:
    root = node.folder.root
    before = strongroom("--data", root, "--json", "users", "list")
    behind = strongroom("users", "list", f"--data={root}", "--json")
    between = strongroom("--json", "users", "--data", root, "list")
    assert before == behind == between
    assert before.json == []


def test_what_follows_two_hyphens_is_left_alone() -> None:
    words = ["files", "ingest", "--json", "--", "alice", "--data", "--json"]
    assert arranged(words) == ["--json", "files", "ingest", "--", "alice", "--data", "--json"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--wait"], ["--wait=10m"]),
        (["--wait", "60", "a"], ["--wait", "60", "a"]),
        (["--wait", "2m"], ["--wait", "2m"]),
        (["--wait", "alice"], ["--wait=10m", "alice"]),
        (["--wait=5s", "alice"], ["--wait=5s", "alice"]),
    ],
)
def test_wait_may_go_without_a_time(words: list[str], expected: list[str]) -> None:
    assert arranged(words) == expected


def test_data_without_a_folder_is_a_usage_error(strongroom: CommandLine) -> None:
    assert strongroom("users", "list", "--data").code == 2


@pytest.mark.parametrize("words", [["fles"], ["files", "list", "--state", "odd"], ["files", "ingest"], [], ["dead"]])
def test_what_is_not_understood_ends_with_2(strongroom: CommandLine, words: list[str]) -> None:
    answer = strongroom(*words)
    assert answer.code == 2
    assert "Traceback" not in answer.err


def test_a_misspelt_verb_gets_a_suggestion(strongroom: CommandLine) -> None:
    assert "files" in strongroom("fles").err


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(strongroom: CommandLine, verb: str) -> None:
    answer = strongroom(verb, "--help")
    assert answer.code == 0
    assert "Usage" in answer.out


def test_version_is_shown(strongroom: CommandLine) -> None:
    answer = strongroom("--version")
    assert answer.code == 0
    assert answer.out.startswith("strongroom ")


def test_a_folder_without_node_is_said_to_be_one(strongroom: CommandLine, tmp_path: Path) -> None:
    answer = strongroom("status", "--data", tmp_path / "none")
    assert answer.code == 1
    assert "holds no node" in answer.err
    assert not (tmp_path / "none").exists()


def test_without_node_and_settings_both_ways_are_named(strongroom: CommandLine) -> None:
    answer = strongroom("users", "list")
    assert answer.code == 1
    assert "STRONGROOM_DATABASE_URL" in answer.err
    assert "--data" in answer.err


def test_a_misspelt_setting_is_refused(strongroom: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGROOM_DATABSE_URL", "sqlite://")
    assert "unknown settings: STRONGROOM_DATABSE_URL" in strongroom("users", "list").err


def test_settings_of_services_are_known(node: Node, strongroom: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"database_url", "broker_url", "token_key", "trace"} <= known_settings()
    monkeypatch.setenv(variable("broker_url"), "amqp://nobody@127.0.0.1:1/")
    monkeypatch.setenv(variable("database_url"), node.folder.database_url)
    assert strongroom("users", "list", "--json").json == []


def test_a_database_that_is_away_is_said_to_be(strongroom: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable("database_url"), "postgresql+psycopg://nobody@127.0.0.1:1/none")
    answer = strongroom("status")
    assert answer.code == 1
    assert answer.err.startswith("strongroom: the database does not answer")


def test_another_schema_version_is_refused(strongroom: CommandLine, tmp_path: Path) -> None:
    Database(f"sqlite:///{tmp_path / 'strongroom.db'}").check()
    answer = strongroom("users", "list", "--data", tmp_path)
    assert answer.code == 1
    assert "strongroom migrate" in answer.err


def test_a_bug_is_a_sentence_and_a_trace_on_demand(
    node: Node, strongroom: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("odd")

    monkeypatch.setattr("services.cli.users.listed_users", broken)
    answer = node("users", "list")
    assert answer.code == 1
    assert "ZeroDivisionError: odd; set STRONGROOM_TRACE=1" in answer.err
    assert "Traceback" not in answer.err
    monkeypatch.setenv("STRONGROOM_TRACE", "1")
    assert "Traceback" in node("users", "list").err


def test_help_imports_nothing_heavy() -> None:
    heavy = ["sqlalchemy", "alembic", "pydantic", "cryptography", "asyncssh"]
    code = (
        "import sys; from services.cli.__main__ import main; main(['--help']);"
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stderr.strip() == "[]"
    assert all(verb in done.stdout for verb in VERBS)
