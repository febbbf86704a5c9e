"""An OpenID provider that answers as it is told to, also with lies."""

import base64
import hashlib
import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, quote_plus

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from shared.access.signing_keys import key_id, public_jwk
from shared.database.types import now

CLIENT_ID = "strongroom"


class Liar:
    """Checks what it is asked as a provider would (`faults`); its answers are the test's."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self._key = key
        self.secret = "secret of the client, as long as it has to be: ü+/%"
        self.faults: list[str] = []
        self.asked: dict[str, str] = {}
        self.claims: dict[str, Any] = {}
        self.id_token: str | None = None
        self.userinfo: dict[str, Any] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self.calls_itself = self.issuer

    def expect(self, asked: dict[str, str], **lies: Any) -> None:
        """Answer a log-in with the truth, but for the lies; None leaves a claim out."""
        truth = {"iss": self.issuer, "aud": CLIENT_ID, "sub": "carol@example.org", "nonce": asked["nonce"]}
        times = {"iat": now(), "exp": now() + timedelta(minutes=5)}
        self.asked = asked
        self.claims = {name: value for name, value in {**truth, **times, **lies}.items() if value is not None}
        self.userinfo = {"sub": self.claims.get("sub"), "email": "carol@example.org"}
        self.id_token = self._signed(self.claims)

    def _signed(self, claims: dict[str, Any]) -> str:
        plain = {name: int(at.timestamp()) if hasattr(at, "timestamp") else at for name, at in claims.items()}
        headers = {"kid": key_id(self._key.public_key())}
        return jwt.api_jws.encode(json.dumps(plain).encode(), self._key, "RS256", headers)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, path: str) -> Any:
        match path:
            case "/.well-known/openid-configuration":
                places = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "jwks"}
                urls = {name: f"{self.issuer}/{place}" for name, place in places.items()}
                return {"issuer": self.calls_itself, "userinfo_endpoint": f"{self.issuer}/me", **urls}
            case "/jwks":
                key = self._key.public_key()
                return {"keys": [{**public_jwk(key), "kid": key_id(key), "use": "sig"}]}
            case "/me":
                return self.userinfo
        return None

    def _tokens(self, form: dict[str, list[str]], authorization: str | None) -> dict[str, Any]:
        account = f"{quote_plus(CLIENT_ID)}:{quote_plus(self.secret)}"
        verifier = form.get("code_verifier", [""])[0]
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        expected = {
            "authentication": authorization == f"Basic {base64.b64encode(account.encode()).decode()}",
            "code_verifier": challenge == self.asked.get("code_challenge"),
            "redirect_uri": form.get("redirect_uri") == [self.asked.get("redirect_uri", "")],
            "code": form.get("code") == ["the code"],
        }
        self.faults += [name for name, right in expected.items() if not right]
        return {"access_token": "opaque", "token_type": "Bearer", "id_token": self.id_token}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(ours._answer(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._send(ours._tokens(parse_qs(body), self.headers["Authorization"]))

            def _send(self, content: Any) -> None:
                body = json.dumps(content).encode()
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
