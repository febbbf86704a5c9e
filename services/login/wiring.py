"""The only file of login that names concrete classes."""

import base64
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from anyio import CapacityLimiter

from services.login.accounts import Accounts
from services.login.authorize import Authorize
from services.login.doors import Doors
from services.login.grant import Grant
from services.login.handler import LoginHandler
from services.login.housekeeping import Expiry, Vouching
from services.login.pages import Pages
from services.login.provider import Provider
from services.login.sessions import Sessions
from services.login.settings import LoginSettings, ProviderSettings
from services.login.sign_in import SignIn
from services.login.site import Site
from services.login.status import Status
from services.login.uploads import Uploads
from shared.access.attempts import Attempts
from shared.access.cega import CentralEga
from shared.access.credentials import CredentialKeeper
from shared.access.directory import Directory
from shared.access.signing_keys import key_id, public_jwk, read_key
from shared.access.tokens import TokenIssuer
from shared.broker.node import Assembly, Node
from shared.crypto.keys import load_public_key
from shared.errors import ConfigurationError
from shared.health import Readiness
from shared.http.server import HttpFront
from shared.lifecycle import Part

_THREADS = 10
"""As many as the pool of the database has connections."""


def assemble(node: Node, settings: LoginSettings) -> Assembly:
    """Put the service together on a node."""
    central_ega = settings.central_ega()
    fronts: list[HttpFront] = []
    handler = _handler(node, settings, central_ega, lambda: settings.login_url or _url(fronts[0]))
    fronts.append(HttpFront(handler.application(), address=settings.login_address, name="login"))
    parts: list[Part] = [*fronts, Expiry(node.database)]
    if central_ega is not None:
        parts.append(Vouching(node.database, central_ega, settings.cega_ttl_seconds))
    return Assembly(parts=parts, checks={})


def _handler(
    node: Node, settings: LoginSettings, central_ega: CentralEga | None, url: Callable[[], str]
) -> LoginHandler:
    pages, threads = Pages(), CapacityLimiter(_THREADS)
    site = Site(
        url=url,
        secure=urlsplit(settings.login_url or "").scheme == "https",
        behind_proxy=settings.login_behind_proxy,
        sessions=Sessions(node.database, timedelta(hours=settings.login_session_hours)),
        threads=threads,
    )
    archive_key = _archive_key(settings.login_archive_key)
    grant, uploads = _grant(node, settings, url, archive_key), Uploads(node.database)
    return LoginHandler(
        site=site,
        pages=pages,
        doors=_doors(node, settings, central_ega, site, pages),
        grant=grant,
        uploads=uploads,
        status=Status(site=site, grant=grant, uploads=uploads),
        keys=[_published(path) for path in settings.login_token_keys],
        info=_info(settings, archive_key),
        archive_key=archive_key,
        readiness=Readiness(node.checks),
    )


def _doors(node: Node, settings: LoginSettings, central_ega: CentralEga | None, site: Site, pages: Pages) -> Doors:
    accounts = Accounts(node.database, central_ega)
    provider = _provider(settings)
    return Doors(
        site=site,
        pages=pages,
        sign_in=SignIn(Directory(node.database, central_ega), Attempts(node.database), accounts),
        authorize=None if provider is None else Authorize(provider, node.database, accounts),
        provider_label=settings.oidc_label,
        passwords=CapacityLimiter(os.cpu_count() or 1),
    )


def _provider(settings: ProviderSettings) -> Provider | None:
    if settings.oidc_issuer is None:
        return None
    if settings.oidc_client_id is None:
        raise ConfigurationError("STRONGROOM_OIDC_CLIENT_ID: is not set; the provider has given it to this node")
    secret = settings.oidc_client_secret
    return Provider(
        settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        # a file of the secret that is empty says as much as none
        client_secret=secret.get_secret_value() or None if secret else None,
        scopes=settings.oidc_scopes,
        name_claim=settings.oidc_name_claim,
    )


def _grant(node: Node, settings: LoginSettings, url: Callable[[], str], archive_key: str) -> Grant:
    return Grant(
        database=node.database,
        committer=node.committer,
        keeper=CredentialKeeper(settings.credentials_secret.get_secret_value()),
        tokens=TokenIssuer(settings.login_token_keys[0].read_bytes()),
        url=url,
        token_life=timedelta(minutes=settings.login_token_minutes),
        inbox_url=settings.inbox_url,
        archive_key=archive_key,
        most_days=settings.login_credentials_days,
    )


def _published(path: Path) -> dict[str, str]:
    key = read_key(path)
    return {**public_jwk(key), "kid": key_id(key), "use": "sig", "alg": "ES256"}


def _archive_key(path: Path) -> str:
    load_public_key(path)
    return path.read_text(encoding="ascii")


def _info(settings: LoginSettings, archive_key: str) -> dict[str, str | None]:
    """Return what the incumbent's `/info` says, which its clients read."""
    return {
        "client_id": settings.oidc_client_id,
        "oidc_uri": settings.oidc_issuer,
        "public_key": base64.b64encode(archive_key.encode()).decode(),
        "inbox_uri": settings.inbox_url,
    }


def _url(front: HttpFront) -> str:
    host, port = front.address
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
