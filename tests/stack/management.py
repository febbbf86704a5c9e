"""RabbitMQ's management API, for what AMQP cannot do: vhosts, a look at queues, connections closed from outside."""

from typing import Any
from urllib.parse import quote

import urllib3

from tests.stack.handles import RabbitMQ


class Management:
    """The HTTP API of one node; every method raises `ManagementError` when it is refused."""

    def __init__(self, server: RabbitMQ) -> None:
        self._server = server
        credentials = f"{server.user}:{server.password}"
        self._headers = urllib3.make_headers(basic_auth=credentials) | {"content-type": "application/json"}

    def answers(self) -> bool:
        """Whether the API serves."""
        try:
            self.call("GET", "whoami")
        except (urllib3.exceptions.HTTPError, ManagementError):
            return False
        return True

    def create_vhost(self, name: str) -> None:
        """Make an empty vhost in which the administrator may do everything."""
        self.call("PUT", "vhosts", name)
        self.permit(name)

    def permit(self, vhost: str) -> None:
        """Let the administrator do everything in a vhost."""
        self.call("PUT", "permissions", vhost, self._server.user, body={"configure": ".*", "write": ".*", "read": ".*"})

    def delete_vhost(self, name: str) -> None:
        """Delete a vhost with all it holds; its connections are closed."""
        self.call("DELETE", "vhosts", name)

    def queues(self, vhost: str) -> dict[str, dict[str, Any]]:
        """Give what is known of every queue of a vhost; counts may be some seconds old."""
        return {queue["name"]: queue for queue in self.call("GET", "queues", vhost)}

    def connections(self, vhost: str) -> list[str]:
        """Name the open connections of a vhost; one that has just been made may be missing for a second."""
        return [connection["name"] for connection in self.call("GET", "vhosts", vhost, "connections")]

    def close_connections(self, vhost: str) -> int:
        """Close all connections of a vhost, as an operator does, and give their number."""
        names = self.connections(vhost)
        for name in names:
            self.call("DELETE", "connections", name)
        return len(names)

    def call(self, method: str, *path: str, body: object = None) -> Any:
        """Call any method of the API; `path` is below `/api`, not yet quoted."""
        url = "/".join([self._server.management_url, "api", *(quote(part, safe="") for part in path)])
        arguments = {} if body is None else {"json": body}
        answer = urllib3.request(method, url, headers=self._headers, timeout=30, retries=False, **arguments)  # type: ignore[arg-type]
        if answer.status >= 400:
            raise ManagementError(f"{method} {'/'.join(path)}: {answer.status} {answer.data.decode()}")
        return answer.json() if answer.data else None


class ManagementError(Exception):
    """The management API has refused a call."""
