"""A stand-in for the users of Central EGA: the same address, Basic authentication and JSON."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote


class CentralEgaUsers:
    """Serves `users` by name; a context manager. `status` other than 200 is what everyone gets."""

    def __init__(self) -> None:
        self.users: dict[str, Any] = {}
        self.status = 200
        self.asked: list[str] = []
        self.name, self.password = "node", "secret of the node"
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}/users"

    def add(self, name: str, **fields: Any) -> None:
        """Add or change a user."""
        known = {"username": name, "uid": 10_000 + len(self.users), "gecos": name, "sshPublicKey": [], "enabled": True}
        self.users[name] = {**known, "passwordHash": "", **self.users.get(name, {}), **fields}

    @property
    def settings(self) -> dict[str, str]:
        """The fields of DirectorySettings that lead here."""
        return {"cega_endpoint": self.endpoint, "cega_user": self.name, "cega_password": self.password}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, path: str, authorization: str | None) -> tuple[int, bytes]:
        expected = base64.b64encode(f"{self.name}:{self.password}".encode()).decode()
        if authorization != f"Basic {expected}":
            return 401, b""
        self.asked.append(unquote(path.removeprefix("/users/")))
        user = self.users.get(self.asked[-1])
        status = self.status if user is not None or self.status != 200 else 404
        return status, json.dumps(user).encode() if status == 200 else b"<html>"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = ours._answer(self.path, self.headers["Authorization"])
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
