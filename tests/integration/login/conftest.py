"""Login on SQLite, and two replicas on PostgreSQL; browsers."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from shared.database.migrate import upgrade
from tests.integration.login.host import LoginHost
from tests.integration.login.visitor import Visitor


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with all tables."""
    path = tmp_path_factory.mktemp("login") / "login.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def database_url(tmp_path: Path, empty_database: Path) -> str:
    """A SQLite database of its own; modules that need PostgreSQL say so by a fixture of this name."""
    (tmp_path / "login.db").write_bytes(empty_database.read_bytes())
    return f"sqlite:///{tmp_path / 'login.db'}"


@pytest.fixture
def settings() -> dict[str, Any]:
    """More settings of login; modules that need some say so by a fixture of this name."""
    return {}


@pytest.fixture
def host(database_url: str, settings: dict[str, Any], tmp_path: Path) -> Iterator[LoginHost]:
    """Two replicas of login with the user alice."""
    with LoginHost(tmp_path, database_url, settings, replicas=2).up() as host:
        host.add_user("alice")
        yield host


@pytest.fixture
def visitor(host: LoginHost) -> Visitor:
    """A client that keeps cookies and sends what it is told to."""
    return Visitor(host.urls)


@pytest.fixture(scope="session")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A browser without a window."""
    options = ChromeOptions()
    options.binary_location = str(shutil.which("chromium") or shutil.which("chromium-browser"))
    folder = tmp_path_factory.mktemp("chromium")
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "window-size=1100,1000"):
        options.add_argument(f"--{argument}")
    options.add_argument(f"--user-data-dir={folder}")
    chrome = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    yield chrome
    chrome.quit()


@pytest.fixture
def browser(chrome: Chrome, tmp_path: Path) -> Iterator[Chrome]:
    """The browser as if it had never been here; its last view is kept beside the test's other files."""
    chrome.execute_cdp_cmd("Network.clearBrowserCookies", {})
    yield chrome
    chrome.save_screenshot(str(tmp_path / "last.png"))
