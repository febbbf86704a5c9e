"""A client of login that does what no browser would do as well."""

import re
from html import unescape
from http.cookies import SimpleCookie
from itertools import cycle
from urllib.parse import urlencode

import urllib3
from urllib3.response import BaseHTTPResponse

from tests.integration.login.host import PASSWORD

TOKEN = re.compile(r'name="form_token" value="([0-9a-f]+)"')


class Visitor:
    """Keeps cookies; asks the replicas in turn."""

    def __init__(self, urls: list[str]) -> None:
        self._urls = cycle(urls)
        self.cookies: dict[str, str] = {}

    def get(self, path: str, **headers: str) -> BaseHTTPResponse:
        return self._ask("GET", path, None, headers)

    def post(
        self, path: str, *, page: str | None = None, headers: dict[str, str] | None = None, **fields: str
    ) -> BaseHTTPResponse:
        """Send a form; its token is that of a `page`, unless it is among the fields."""
        token = {} if page is None else {"form_token": self.token(page)}
        return self._ask("POST", path, {**token, **fields}, headers or {})

    def token(self, page: str) -> str:
        """Load a page and return the token of its forms."""
        found = TOKEN.search(self.get(page).data.decode())
        assert found, page
        return found[1]

    def log_in(self, name: str = "alice", password: str = PASSWORD, *, keeping: str | None = None) -> BaseHTTPResponse:
        """Log in without a session, or `keeping` one that the browser has already."""
        self.cookies.pop("strongroom-session", None)
        token = self.token("/login")
        self.cookies |= {"strongroom-session": keeping} if keeping else {}
        return self.post("/login", form_token=token, name=name, password=password)

    @property
    def session(self) -> str | None:
        return self.cookies.get("strongroom-session")

    def _ask(self, method: str, path: str, fields: dict[str, str] | None, headers: dict[str, str]) -> BaseHTTPResponse:
        kept = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None if fields is None else urlencode(fields)
        kind = {} if fields is None else {"Content-Type": "application/x-www-form-urlencoded"}
        answer = urllib3.request(
            method,
            next(self._urls) + path,
            body=body,
            headers={
                **({"Cookie": kept} if kept else {}),
                **kind,
                **{n.replace("_", "-"): v for n, v in headers.items()},
            },
            redirect=False,
            retries=False,
        )
        for line in answer.headers.getlist("set-cookie"):
            self._keep(SimpleCookie(line))
        return answer

    def _keep(self, given: SimpleCookie) -> None:
        for name, morsel in given.items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value


def token_in(answer: BaseHTTPResponse) -> str:
    """Return the access token that a page shows."""
    return answer.data.decode().partition("<textarea")[2].partition(">")[2].partition("<")[0]


def text_of(answer: BaseHTTPResponse) -> str:
    """Return a page as it reads."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.data.decode())))
