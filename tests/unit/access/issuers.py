"""A log-in service of the tests' own: it publishes keys, and tells who the bearer of a token is."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Issuer:
    """Serves `/jwks` and `/userinfo`, and counts how often it was asked."""

    def __init__(self) -> None:
        self._keys: list[Any] = []
        self.people: dict[str, dict[str, Any]] = {}
        self.asked = 0
        self.away = False
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                status, content = issuer.answer(self.path, self.headers.get("Authorization", ""))
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.name = f"http://127.0.0.1:{self._server.server_port}"
        self.url = f"{self.name}/jwks"
        self.userinfo = f"{self.name}/userinfo"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def publish(self, *keys: Any) -> None:
        self._keys = list(keys)

    def answer(self, path: str, authorization: str) -> tuple[int, Any]:
        if self.away:
            return 503, {}
        if path == "/jwks":
            return 200, {"keys": self._keys}
        person = self.people.get(authorization.removeprefix("Bearer "))
        return (401, {}) if person is None else (200, person)
