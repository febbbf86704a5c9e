"""Log-in as users see it: a browser, a certified OpenID provider, and Central EGA's users."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of, title_contains
from selenium.webdriver.support.wait import WebDriverWait

from shared.access.passwords import hash_password
from tests.integration.login.host import PASSWORD, LoginHost
from tests.stack.central_ega import CentralEgaUsers
from tests.stack.ports import free_ports
from tests.stack.process import Home
from tests.stack.provider.provider import Client, provider

AXE = Path(__file__).parents[2] / "stack" / "provider" / "node_modules" / "axe-core" / "axe.min.js"
VIEWS = os.environ.get("LOGIN_VIEWS")
"""Folder that pictures of all pages are put into, for people to look at."""


@pytest.fixture(scope="module")
def port() -> int:
    [port] = free_ports(1)
    return port


@pytest.fixture(scope="module")
def client(home: Home, port: int) -> Iterator[Client]:
    """A certified provider that knows the login service."""
    with provider(home, f"http://127.0.0.1:{port}/oidc/callback") as client:
        yield client


@pytest.fixture
def central() -> Iterator[CentralEgaUsers]:
    with CentralEgaUsers() as central:
        central.add("ega-user", passwordHash=hash_password("their password", rounds=4))
        yield central


@pytest.fixture
def settings(client: Client, central: CentralEgaUsers, port: int) -> dict[str, Any]:
    label = "Log in with Life Science Login"
    own = {"login_address": f"127.0.0.1:{port}", "oidc_label": label, "cega_ttl_seconds": 0.3}
    return {**client.settings, **central.settings, **own}


@pytest.fixture
def host(database_url: str, settings: dict[str, Any], tmp_path: Path) -> Iterator[LoginHost]:
    """One replica, at the address that the provider sends browsers back to."""
    with LoginHost(tmp_path, database_url, settings).up() as host:
        host.add_user("alice")
        yield host


class Page:
    """What a user does on the page that is open."""

    def __init__(self, browser: Chrome, host: LoginHost) -> None:
        self.browser = browser
        self._host = host

    def open(self, path: str) -> None:
        self.browser.get(self._host.url + path)

    def element(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def click(self, words: str) -> None:
        """Click a link or a button, and wait until another page is there."""
        before = self.element("html")
        self.browser.find_element(
            By.XPATH, f"//a[normalize-space()='{words}'] | //button[normalize-space()='{words}']"
        ).click()
        # while the page is being replaced the driver itself may fail to find the old element
        waiting = WebDriverWait(self.browser, 20, ignored_exceptions=[WebDriverException])
        waiting.until(staleness_of(before))

    def log_in(self, name: str, password: str) -> None:
        self.open("/login")
        self.element("#name").clear()
        self.element("#name").send_keys(name)
        self.element("#password").send_keys(password)
        self.click("Log in")

    @property
    def heading(self) -> str:
        return self.element("h1").text

    @property
    def text(self) -> str:
        return self.element("body").text

    def download(self, link: str) -> str:
        """Fetch what a link leads to, as this browser would."""
        url = self.browser.find_element(By.LINK_TEXT, link).get_attribute("href")
        assert url is not None
        kept = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in self.browser.get_cookies())
        return urllib3.request("GET", url, headers={"Cookie": kept}).data.decode()

    def check(self, view: str) -> None:
        """Check what is shown against the rules of WCAG 2.2 AA that a program can check, and keep a picture of it."""
        if VIEWS:
            self.browser.save_screenshot(str(Path(VIEWS) / f"{view}.png"))
        self.browser.execute_script(AXE.read_text(encoding="utf-8"))
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        self.browser.execute_script("axe.run({runOnly: arguments[0]}).then(found => { window.found = found })", tags)
        found = WebDriverWait(self.browser, 20).until(lambda _: self.browser.execute_script("return window.found"))
        assert [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in found["violations"]] == []
        assert len(found["passes"]) > 10


@pytest.fixture
def page(browser: Chrome, host: LoginHost) -> Page:
    return Page(browser, host)


def test_password_leads_to_a_configuration_and_out_again(page: Page, host: LoginHost) -> None:
    page.log_in("alice", "wrong")
    assert "Name or password is not right." in page.text
    assert page.element("#name").get_attribute("value") == "alice"
    page.check("refused")
    page.log_in("alice", PASSWORD)
    assert page.heading == "My credentials"
    assert "no S3 credentials" in page.text
    page.click("Make S3 credentials")
    page.check("credentials")
    for client in ("s3cmd", "rclone", "aws"):
        assert "inbox.example.org:9443" in page.download(f"Configuration for {client}")
    given = json.loads(page.download("Configuration for strongroom upload"))
    assert (given["endpoint"], given["bucket"]) == ("https://inbox.example.org:9443", "alice")
    assert (given["public_key"], given["login"]) == ((host.folder / "archive.pub").read_text(), host.url)
    assert page.download("Download the archive's public key") == (host.folder / "archive.pub").read_text()
    page.click("Revoke")
    assert "no S3 credentials" in page.text
    page.click("Show an access token")
    page.check("token")
    page.click("Log out")
    page.open("/credentials")
    assert page.heading == "Log in"


def test_institute_leads_in(page: Page, host: LoginHost) -> None:
    page.open("/login")
    page.check("login")
    page.click("Log in with Life Science Login")
    page.element("input[name=login]").send_keys("carol@lifescience-ri.eu")
    page.element("input[name=password]").send_keys("any" + Keys.ENTER)
    WebDriverWait(page.browser, 20).until(lambda browser: "Continue" in browser.page_source)
    page.click("Continue")
    assert page.heading == "My credentials"
    assert page.element(".who").text == "carol@lifescience-ri.eu"
    assert host.rows("SELECT source FROM users WHERE name LIKE 'carol%'") == [(host.settings["oidc_issuer"],)]


def test_user_of_central_ega_logs_in_and_is_out_when_disabled_there(
    page: Page, host: LoginHost, central: CentralEgaUsers
) -> None:
    page.log_in("ega-user", "their password")
    page.click("Make S3 credentials")
    assert "Revoke" in page.text
    central.add("ega-user", enabled=False)

    def is_out(_: object) -> bool:
        page.open("/credentials")
        return page.heading == "Log in"

    WebDriverWait(page.browser, 20, poll_frequency=0.1).until(is_out)
    page.log_in("ega-user", "their password")
    assert "Name or password is not right." in page.text


def test_uploads_are_shown_with_what_is_wrong_and_what_to_do(page: Page, host: LoginHost) -> None:
    page.log_in("alice", PASSWORD)
    page.click("My uploads")
    assert "not uploaded anything yet" in page.text
    wrong = "The file is not encrypted for this archive: encrypt it with the archive's public key and upload it again."
    host.add_file("alice", "cohort/a.bam.c4gh", "ready", size=2**31, accession="EGAF00000000001")
    host.add_file("alice", "cohort/b.bam.c4gh", "error", size=1234567, error=wrong)
    host.add_file("alice", "cohort/c.bam.c4gh", "error", size=99, error="The file ends in the middle of a segment")
    host.add_file("alice", "cohort/<b>d</b>.c4gh", "archived", size=1)
    host.add_file("mallory", "secret.c4gh", "ready", size=1)
    page.open("/uploads")
    for words in (
        "2.0 GiB",
        "EGAF00000000001",
        wrong,
        "Encrypt the original file",
        "Upload the file again",
        "<b>d</b>",
    ):
        assert words in page.text
    assert "<b>d</b>" in page.text
    assert "secret" not in page.text
    page.check("uploads")
    page.click("Show only files with problems")
    assert "a.bam" not in page.text
    assert "b.bam" in page.text


def test_long_lists_come_in_pages(page: Page, host: LoginHost) -> None:
    for number in range(120):
        host.add_file("alice", f"f{number:03}.c4gh", "uploaded", size=1)
    page.log_in("alice", PASSWORD)
    page.open("/uploads")
    shown = []
    for _ in range(3):
        shown += [cell.text for cell in page.browser.find_elements(By.CSS_SELECTOR, "tbody th")]
        if len(shown) < 120:
            page.click("Next files")
    assert shown == [f"f{number:03}.c4gh" for number in range(120)]
    assert "Next files" not in page.text


def test_keyboard_alone_leads_in(page: Page) -> None:
    page.open("/login")
    body = page.element("body")
    body.send_keys(Keys.TAB)
    assert page.browser.switch_to.active_element.text == "Skip to the content"
    for _ in range(2):
        page.browser.switch_to.active_element.send_keys(Keys.TAB)
    page.browser.switch_to.active_element.send_keys("alice" + Keys.TAB)
    page.browser.switch_to.active_element.send_keys(PASSWORD + Keys.ENTER)
    WebDriverWait(page.browser, 20).until(title_contains("My credentials"))


@pytest.mark.parametrize("path", ["/login", "/nope"])
def test_pages_fit_a_telephone_and_the_dark(page: Page, path: str) -> None:
    page.browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    )
    page.browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    try:
        page.open(path)
        page.check(f"telephone{path.replace('/', '-')}")
        width = page.browser.execute_script("return document.documentElement.scrollWidth")
        assert width <= 360
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
