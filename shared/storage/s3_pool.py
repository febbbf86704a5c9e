"""Kept connections to an S3 server, of an event loop."""

import asyncio
import ssl
from urllib.parse import urlsplit

from shared.pool import Pool
from shared.storage.errors import StoreRefused, StoreUnavailable
from shared.storage.s3_connection import StoreConnection
from shared.storage.settings import S3Settings

_CONNECT_SECONDS = 5.0
_MOST = 10_000
_KEPT = 64


class StorePool(Pool[StoreConnection]):
    """Connections to the server of an account. Taking one raises StoreUnavailable, StoreRefused."""

    def __init__(self, account: S3Settings) -> None:
        url = urlsplit(account.endpoint)
        self._place = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        self._tls = ssl.create_default_context(cafile=account.ca_cert) if url.scheme == "https" else None
        super().__init__(self._connected, most=_MOST, kept=_KEPT)

    async def _connected(self) -> StoreConnection:
        host, port = self._place
        connecting = asyncio.get_running_loop().create_connection(StoreConnection, host, port, ssl=self._tls)
        try:
            _, connection = await asyncio.wait_for(connecting, _CONNECT_SECONDS)
        except ssl.SSLCertVerificationError as error:
            raise StoreRefused("the certificate of the store is not to be trusted") from error
        except (OSError, TimeoutError) as error:
            raise StoreUnavailable(f"no answer from the store: {type(error).__name__}") from error
        return connection
