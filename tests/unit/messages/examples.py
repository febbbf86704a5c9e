"""An example of every message as it is on the wire, and what must not be taken, by the name of the schema."""

from typing import Any

SHA256, MD5 = "ab" * 32, "cd" * 16
BOTH = [{"type": "sha256", "value": SHA256}, {"type": "md5", "value": MD5}]
UUID = "5b1d6a3e-52a1-4e0f-8f35-93a5c65c9a2b"
EGAF, EGAD = "EGAF00000000001", "EGAD00000000001"

Body = dict[str, Any]

VALID: dict[str, Body] = {
    "inbox-upload": {
        "operation": "upload", "user": "ann", "filepath": "a.c4gh", "filesize": 7, "file_last_modified": 1_700_000_000,
        "encrypted_checksums": BOTH,
    },
    "inbox-rename": {"operation": "rename", "user": "ann", "filepath": "b.c4gh", "oldpath": "a.c4gh"},
    "inbox-remove": {"operation": "remove", "user": "ann", "filepath": "b.c4gh"},
    "ingestion-trigger": {"type": "ingest", "user": "ann", "filepath": "a.c4gh", "encrypted_checksums": BOTH},
    "ingestion-verification": {
        "user": "ann", "filepath": "a.c4gh", "file_id": UUID, "archive_path": UUID, "encrypted_checksums": BOTH,
        "re_verify": False,
    },
    "ingestion-accession-request": {"user": "ann", "filepath": "a.c4gh", "decrypted_checksums": BOTH},
    "ingestion-accession": {
        "type": "accession", "user": "ann", "filepath": "a.c4gh", "accession_id": EGAF, "decrypted_checksums": BOTH,
    },
    "ingestion-completion": {
        "user": "ann", "filepath": "a.c4gh", "accession_id": EGAF, "decrypted_checksums": BOTH,
    },
    "info-error": {"error": "refused", "reason": "it is cut", "original-message": "{}"},
    "ingestion-user-error": {"user": "ann", "filepath": "a.c4gh", "reason": "cut", "encrypted_checksums": BOTH},
    "rotate-key": {"type": "key_rotation", "file_id": UUID},
    "inbox-cleanup": {"type": "cleanup", "file_ids": [UUID]},
    "dataset-mapping": {"type": "mapping", "dataset_id": EGAD, "accession_ids": [EGAF]},
    "dataset-release": {"type": "release", "dataset_id": EGAD},
    "dataset-deprecate": {"type": "deprecate", "dataset_id": EGAD},
    "dataset-permission": {
        "type": "permission", "dataset_id": EGAD, "users": [{"username": "ann"}],
        "expires_at": "2027-01-31T12:00:00+01:00",
    },
    "dataset-permission-deleted": {"type": "permission.deleted", "dataset_id": EGAD, "user": "ann"},
    "export-start": {"type": "export", "export_id": UUID, "after": UUID},
    "export-file": {"type": "export_file", "export_id": UUID, "file_id": UUID},
    "file-sync": {
        "dataset_id": "EGAD00000000001", "user": "ann@example.org",
        "dataset_files": [{"filepath": "a.c4gh", "file_id": EGAF, "sha256": SHA256}],
    },
    "metadata-sync": {"dataset_id": "EGAD00000000001", "metadata": {"title": "x"}},
}  # fmt: skip

NO_SHA256 = [{"type": "md5", "value": MD5}]
BAD_CHECKSUMS = ([{"type": "sha256", "value": MD5}], [{"type": "sha1", "value": "a" * 40}], [{"type": "md5"}], "x", [1])

INVALID: list[tuple[str, Body]] = [
    ("inbox-upload", {"operation": "download"}),
    ("inbox-upload", {"filesize": -1}),
    ("inbox-upload", {"filesize": "much"}),
    ("inbox-upload", {"filepath": "a"}),
    *(("inbox-upload", {"encrypted_checksums": bad}) for bad in BAD_CHECKSUMS),
    ("inbox-rename", {"oldpath": "a"}),
    ("inbox-remove", {"user": 7}),
    ("ingestion-trigger", {"type": "start"}),
    ("ingestion-trigger", {"user": "a"}),
    ("ingestion-trigger", {"filepath": ""}),
    ("ingestion-verification", {"encrypted_checksums": None}),
    ("ingestion-accession-request", {"decrypted_checksums": NO_SHA256}),
    ("ingestion-accession-request", {"decrypted_checksums": []}),
    ("ingestion-accession", {"type": "mapping"}),
    ("ingestion-accession", {"accession_id": "with blank"}),
    ("ingestion-accession", {"accession_id": ""}),
    ("ingestion-completion", {"decrypted_checksums": NO_SHA256}),
    ("info-error", {"reason": ""}),
    ("info-error", {"original-message": {"an": "object"}}),
    ("ingestion-user-error", {"filepath": "x"}),
    ("rotate-key", {"file_id": UUID.upper()}),
    ("rotate-key", {"type": "other"}),
    ("inbox-cleanup", {"file_ids": ["x"]}),
    ("export-start", {"export_id": "x"}),
    ("export-file", {"file_id": UUID.upper()}),
    ("dataset-mapping", {"accession_ids": ["with blank"]}),
    ("dataset-mapping", {"accession_ids": "EGAF00000000001"}),
    ("dataset-release", {"dataset_id": "a"}),
    ("dataset-deprecate", {"type": "release"}),
    ("dataset-permission", {"users": [{"email": "ann@example.org"}]}),
    ("dataset-permission", {"expires_at": []}),
    ("dataset-permission-deleted", {"user": ""}),
    ("file-sync", {"dataset_files": []}),
    ("file-sync", {"extra": 1}),
    ("metadata-sync", {"metadata": {}}),
    ("metadata-sync", {"extra": 1}),
]

FEDERATED_ONLY: list[tuple[str, Body]] = [
    ("ingestion-accession", {"accession_id": "EGAF1"}),
    ("ingestion-completion", {"accession_id": EGAD}),
    ("dataset-mapping", {"dataset_id": "urn:dataset:1"}),
    ("dataset-mapping", {"accession_ids": ["urn:file:1"]}),
    ("dataset-release", {"dataset_id": "EGAD0000000000A"}),
    ("dataset-deprecate", {"dataset_id": EGAF}),
]
"""Taken by an isolated node, refused by a federated one."""
