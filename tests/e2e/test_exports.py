"""A dataset is exported on both stacks: each file arrives for the reader's key, and goes when it is given up."""

import json
import urllib.request
from typing import Any

from tests.e2e.nodes import Node, json_of, succeed, until
from tests.e2e.people import Researcher, Submitter
from tests.unit.pipeline.objects import held

DATASET = "EGAD00000000077"
CONTENTS = {"small.c4gh": b"a small file" * 100, "large.c4gh": bytes(range(256)) * 65536}


def released(node: Node) -> None:
    submitter = Submitter(node, "dora")
    for number, (name, plain) in enumerate(CONTENTS.items()):
        source = node.folder / "plain"
        source.write_bytes(plain)
        succeed(node, "encrypt", str(source), "--to", str(node.public_key), "--force")
        row = submitter.put(source.with_suffix(".c4gh").read_bytes(), name)
        succeed(node, "files", "ingest", submitter.name, name)
        submitter.wait_for(name, "verified")
        succeed(node, "files", "accession", row["id"], f"EGAF0000000007{number}")
        submitter.wait_for(name, "ready")
    succeed(node, "datasets", "create", DATASET, "EGAF00000000070", "EGAF00000000071")
    until("the dataset", lambda: json_of(node, "datasets", "list"))
    succeed(node, "datasets", "release", DATASET)
    until("the release", lambda: json_of(node, "datasets", "list")[0]["state"] == "released")


def ask(reader: Researcher, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Ask the outbox about exports."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{reader.node.outbox}{path}", content, method=method)
    request.add_header("Authorization", f"Bearer {reader.token}")
    request.add_header("X-C4GH-Public-Key", reader.public_line)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.status, json.loads(answer.read() or b"null")


def test_dataset_is_exported_for_the_readers_key_until_it_is_given_up(node: Node) -> None:
    released(node)
    reader = Researcher(node, "emil")
    succeed(node, "grants", "add", reader.name, DATASET)
    status, started = ask(reader, "POST", "/exports", {"datasetId": DATASET})
    assert status == 202
    export = f"/exports/{started['exportId']}"
    until("the export", lambda: ask(reader, "GET", export)[1]["state"] == "done", 60)
    told = ask(reader, "GET", export)[1]
    assert told["files"] == {"listed": 2, "written": 2, "refused": 0}
    objects = {key: held(node.exports, key) for key in node.exports.list()}
    assert {key.partition("/")[0] for key in objects} == {started["exportId"]}
    assert {key.rpartition("/")[2]: reader.decrypted(sealed) for key, sealed in objects.items()} == CONTENTS
    assert [(row["id"], row["state"], row["written"]) for row in json_of(node, "exports", "list")] == [
        (started["exportId"], "done", 2)
    ]
    assert ask(reader, "DELETE", export)[0] == 204
    until("the removal", lambda: not list(node.exports.list()), 90)
    another = ask(reader, "POST", "/exports", {"datasetId": DATASET})[1]["exportId"]
    until("the export", lambda: json_of(node, "exports", "show", another)["state"] == "done", 60)
    succeed(node, "exports", "cancel", another)
    until("the removal", lambda: not json_of(node, "exports", "list"), 90)
    assert not list(node.exports.list())
    assert json_of(node, "dead", "list") == []
