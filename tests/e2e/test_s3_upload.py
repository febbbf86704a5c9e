"""Files that come by S3, from each client, go through the pipeline as those that come by SFTP."""

import json
from pathlib import Path

import pytest

from shared.access.credentials import S3Credentials
from shared.database.types import now
from tests.e2e.nodes import Node, json_of, succeed, until
from tests.e2e.people import Submitter
from tests.integration.inbox_s3.clients import CLIENTS, Account

USER = "ann@example.org"
ALL = tuple(CLIENTS)


@pytest.fixture(scope="module")
def submitter(node: Node) -> Submitter:
    return Submitter(node, USER)


@pytest.fixture(scope="module")
def account(node: Node, submitter: Submitter) -> Account:
    """Credentials as staff give them out."""
    given = json.loads(succeed(node, "users", "credentials", submitter.name, "--ttl", "1h", "--format", "json"))
    assert given["endpoint"] == node.s3
    credentials = S3Credentials(
        access_key=given["access_key"], secret_key=given["secret_key"], user=USER, issued_at=now(), expires_at=now()
    )
    return Account(node.s3, credentials, given["bucket"], node.folder)


@pytest.fixture(scope="module")
def sealed(node: Node) -> Path:
    """A file of two parts of the clients' least size, encrypted for the archive."""
    source = node.folder / "reads.bam"
    source.write_bytes(bytes(range(256)) * 4 * 7000)
    succeed(node, "encrypt", str(source), "--to", str(node.public_key), "--force")
    return source.with_suffix(".bam.c4gh")


def test_files_of_every_client_are_verified(node: Node, submitter: Submitter, account: Account, sealed: Path) -> None:
    names = {name: f"by-{name}/reads.bam.c4gh" for name in ALL}
    for name, path in names.items():
        CLIENTS[name].upload(account, sealed, path)
    for path in names.values():
        assert submitter.file(path)["state"] == "uploaded"
    succeed(node, "files", "ingest", USER, *names.values())
    for path in names.values():
        assert submitter.wait_for(path, "verified")["error"] is None


def test_what_came_by_s3_is_seen_by_sftp_and_the_other_way_round(
    node: Node, submitter: Submitter, account: Account, sealed: Path
) -> None:
    CLIENTS["boto3"].upload(account, sealed, "both/a.c4gh")
    submitter.sftp(f"put {sealed} both/b.c4gh")
    assert {"both/a.c4gh", "both/b.c4gh"} <= CLIENTS["boto3"].names(account)
    listed = submitter.sftp("ls both")
    assert "a.c4gh" in listed
    assert "b.c4gh" in listed


def test_revoked_credentials_are_out(node: Node, account: Account, submitter: Submitter, sealed: Path) -> None:
    succeed(node, "users", "revoke", submitter.name)

    def refused() -> bool:
        return "InvalidAccessKeyId" in account.s3cmd("put", str(sealed), f"s3://{account.bucket}/late.c4gh").stderr

    until("the revocation to be heeded", refused, 20)

    def settled() -> bool:
        rows = json_of(node, "files", "list", "--user", USER)
        return all(row["state"] != "registered" for row in rows if row["path"] == "late.c4gh")

    # a client that lost its patience leaves an upload behind that the front is still at
    until("no upload of that name to be under way", settled, 60)
