"""The main job, told in order on both stacks: strangers are refused first, then a genome file goes all the way."""

import hashlib
import json
from pathlib import Path

import pytest

from tests.e2e.nodes import Node, json_of, succeed, until
from tests.e2e.people import Researcher, Submitter
from tests.genomes import making, truth
from tests.integration.login.visitor import Visitor, text_of, token_in

_SAMPLE = Path(__file__).parents[2].parent / "shared" / "data" / "htsnexus_test_NA12878.bam"
DATASET = "EGAD00000000042"
PASSWORD = "a long enough password"
ACCESSION = "EGAF00000000042"
INDEX_ACCESSION = "EGAF00000000043"


def genome(folder: Path) -> Path:
    """Return a real BAM file where the samples are at hand, else one that is made; its index is beside it."""
    return _SAMPLE if _SAMPLE.exists() else making.write_reads(folder / "made.bam")


class Story:
    """What the steps share."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.source = genome(node.folder)
        self.plain = self.source.read_bytes()
        self.submitter = Submitter(node, "alice@example.org")
        self.reader = Researcher(node, "bob@example.org")
        self.file_id = ""

    def sealed(self, plain: bytes) -> bytes:
        source = self.node.folder / "genome"
        source.write_bytes(plain)
        succeed(self.node, "encrypt", str(source), "--to", str(self.node.public_key), "--force")
        return source.with_suffix(".c4gh").read_bytes()


@pytest.fixture(scope="module")
def story(node: Node) -> Story:
    return Story(node)


def test_00_strangers_are_refused(story: Story) -> None:
    assert story.reader.get("/datasets", Authorization="Bearer nonsense")[0] == 401
    assert story.reader.get(f"/files/{ACCESSION}", X_C4GH_Public_Key=story.reader.public_line)[0] == 403
    stranger = Submitter(story.node, "mallory")
    stranger.name = "alice@example.org"
    assert "genome" not in stranger.sftp("ls", succeeds=False)


def test_10_a_file_is_uploaded_by_sftp_with_its_checksum(story: Story) -> None:
    sealed = story.sealed(story.plain)
    digest = hashlib.sha256(sealed).hexdigest()
    (story.node.folder / "sum").write_text(f"{digest}  genome.bam.c4gh\n")
    story.submitter.sftp("mkdir run1", f"put {story.node.folder / 'sum'} run1/genome.bam.c4gh.sha256")
    row = story.submitter.put(sealed, "run1/genome.bam.c4gh")
    assert (row["state"], row["size"], row["error"]) == ("uploaded", len(sealed), None)
    story.file_id = row["id"]


def test_20_it_is_ingested_and_verified(story: Story) -> None:
    succeed(story.node, "files", "ingest", story.submitter.name, "run1/genome.bam.c4gh")
    story.submitter.wait_for("run1/genome.bam.c4gh", "verified")
    shown = json_of(story.node, "files", "show", story.file_id)
    assert hashlib.sha256(story.plain).hexdigest() in str(shown)


def test_25_the_submitter_sees_that_at_the_log_in_pages(story: Story) -> None:
    succeed(story.node, "users", "add", story.submitter.name, "--password-stdin", text=f"{PASSWORD}\n")
    visitor = Visitor([story.node.login])
    assert visitor.log_in(story.submitter.name, "another password").status == 401
    assert visitor.log_in(story.submitter.name, PASSWORD).status == 303
    assert "run1/genome.bam.c4gh verified, waiting for an accession id" in text_of(visitor.get("/uploads"))
    token = token_in(visitor.post("/token", page="/credentials"))
    listed = story.reader.get("/datasets", Authorization=f"Bearer {token}")
    assert listed[:2] == (200, b'{"datasets":[],"nextPageToken":null}')


def test_30_it_gets_an_accession_id_and_a_backup(story: Story) -> None:
    succeed(story.node, "files", "accession", story.file_id, ACCESSION)
    row = story.submitter.wait_for("run1/genome.bam.c4gh", "ready")
    assert row["accession"] == ACCESSION


def test_40_it_is_mapped_but_nobody_reads_it_yet(story: Story) -> None:
    succeed(story.node, "datasets", "create", DATASET, ACCESSION)
    until("the dataset", lambda: json_of(story.node, "datasets", "list"))
    succeed(story.node, "grants", "add", story.reader.name, DATASET)
    assert story.reader.get("/datasets")[1] == b'{"datasets":[],"nextPageToken":null}'
    assert story.reader.get(f"/files/{ACCESSION}", X_C4GH_Public_Key=story.reader.public_line)[0] == 403


def test_50_the_upload_has_left_the_inbox(story: Story) -> None:
    until("the clean-up", lambda: "genome.bam.c4gh\n" not in story.submitter.sftp("ls -1 run1"))


def test_60_released_it_is_downloaded_and_decrypted_by_the_stock_tool(story: Story) -> None:
    succeed(story.node, "datasets", "release", DATASET)
    until("the release", lambda: json_of(story.node, "datasets", "list")[0]["state"] == "released")
    assert story.reader.get("/datasets")[1] == f'{{"datasets":["{DATASET}"],"nextPageToken":null}}'.encode()
    listing = story.reader.get(f"/datasets/{DATASET}/files")[1]
    assert ACCESSION.encode() in listing
    assert story.reader.download(ACCESSION) == story.plain
    assert story.reader.download(story.file_id) == story.plain


def test_65_a_region_of_it_is_cut_out_once_its_index_is_there(story: Story) -> None:
    index = story.source.with_name(f"{story.source.name}.bai").read_bytes()
    row = story.submitter.put(story.sealed(index), "run1/genome.bam.bai.c4gh")
    succeed(story.node, "files", "ingest", story.submitter.name, "run1/genome.bam.bai.c4gh")
    story.submitter.wait_for("run1/genome.bam.bai.c4gh", "verified")
    succeed(story.node, "files", "accession", row["id"], INDEX_ACCESSION)
    story.submitter.wait_for("run1/genome.bam.bai.c4gh", "ready")
    succeed(story.node, "datasets", "create", DATASET, INDEX_ACCESSION)
    until("the index", lambda: json_of(story.node, "datasets", "list")[0]["files"] == 2)
    name, start = truth.places(story.source)[5000]
    part = story.reader.region(f"/reads/{ACCESSION}", story.node.folder / "part.bam", name, start, start + 500)
    wanted = (name, start, start + 500)
    assert truth.overlapping(part, wanted) == truth.records_in(story.source, wanted)
    assert part.stat().st_size < len(story.plain) / 2


def test_70_a_range_is_a_slice_of_the_whole(story: Story) -> None:
    key = {"X_C4GH_Public_Key": story.reader.public_line}
    _, whole, headers = story.reader.get(f"/files/{ACCESSION}", **key)
    status, part, answer = story.reader.get(f"/files/{ACCESSION}", Range="bytes=1000-99999", **key)
    assert status == 206
    assert answer["content-range"] == f"bytes 1000-99999/{len(whole)}"
    assert answer["etag"] == headers["etag"]
    assert part == whole[1000:100000]


def test_80_who_has_no_grant_learns_nothing(story: Story) -> None:
    other = Researcher(story.node, "carol")
    missing = other.get("/files/EGAF99999999999", X_C4GH_Public_Key=other.public_line)
    denied = other.get(f"/files/{ACCESSION}", X_C4GH_Public_Key=other.public_line)
    assert missing[0] == denied[0] == 403
    assert [_without_id(missing[1])] == [_without_id(denied[1])]


def test_90_deprecated_it_is_read_no_more(story: Story) -> None:
    succeed(story.node, "datasets", "deprecate", DATASET)
    until("the deprecation", lambda: json_of(story.node, "datasets", "list")[0]["state"] == "deprecated")
    assert story.reader.get(f"/files/{ACCESSION}", X_C4GH_Public_Key=story.reader.public_line)[0] == 403


def test_95_nothing_is_owed_and_nothing_died(story: Story) -> None:
    status = json_of(story.node, "status")
    assert json_of(story.node, "dead", "list") == []
    assert status["dead_letters"] == 0


def test_99_no_log_line_names_a_person_or_holds_a_secret(story: Story) -> None:
    logs = story.node.logs()
    assert logs.count("\n") > 5
    for secret in ("alice", "bob@", "carol", story.reader.token, PASSWORD, "genome.bam"):
        assert secret not in logs, secret


def _without_id(problem: bytes) -> bytes:
    return json.dumps({k: v for k, v in json.loads(problem).items() if k != "correlationId"}).encode()
