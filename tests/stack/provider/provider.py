"""A certified OpenID provider, run by node; `install.sh` installs it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import urllib3

from tests.stack.ports import free_ports
from tests.stack.process import Home, Process, required, wait_until

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Client:
    """What a provider calls a client, and how that proves it."""

    issuer: str
    client_id: str = "strongroom"
    client_secret: str = "secret of the client: +/%"

    @property
    def settings(self) -> dict[str, str]:
        """The fields of ProviderSettings that lead here."""
        return {
            "oidc_issuer": self.issuer,
            "oidc_client_id": self.client_id,
            "oidc_client_secret": self.client_secret,
        }


@contextmanager
def provider(home: Home, *redirect_uris: str) -> Iterator[Client]:
    """Run a provider with one client. Its log-in page takes any name, and any password."""
    [port] = free_ports(1)
    client = Client(f"http://127.0.0.1:{port}")
    told = {
        "port": port,
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "redirect_uris": redirect_uris,
    }
    required(_HERE / "node_modules" / "oidc-provider" / "lib")
    command = ["node", str(_HERE / "provider.mjs"), json.dumps(told)]
    process = Process(name="provider", home=home, folder=home.subfolder("provider"), command=command)
    process.start()
    try:
        wait_until(lambda: _answers(client.issuer), within=30, what="the provider does not start", process=process)
        yield client
    finally:
        process.kill()


def _answers(issuer: str) -> bool:
    try:
        return urllib3.request("GET", f"{issuer}/.well-known/openid-configuration", retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False
