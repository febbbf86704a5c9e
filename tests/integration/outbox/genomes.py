"""Genome files in the archive, and what tickets for parts of them lead to."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pysam
import requests

from tests.genomes import making
from tests.integration.outbox.client import KEY
from tests.integration.outbox.host import OutboxHost, Sample, decrypted


def straddling(folder: Path) -> Path:
    """Write a BAM file whose records do not end where its blocks do."""
    path = making.with_blocks_of_fixed_size(making.write_reads(folder / "tidy.bam"), folder / "reads.bam")
    pysam.index(str(path))
    return path


def with_csi(folder: Path) -> Path:
    """Write a BAM file with a CSI."""
    path = making.write_reads(folder / "reads.bam")
    path.with_name("reads.bam.bai").unlink()
    pysam.index("-c", str(path))
    return path


def variants(name: str, *, csi: bool = False) -> Callable[[Path], Path]:
    """Return what writes a file of variants and indexes it."""

    def write(folder: Path) -> Path:
        path = making.write_variants(folder / name)
        pysam.tabix_index(str(path), preset="vcf", csi=csi)
        return path

    return write


GENOMES: dict[str, Callable[[Path], Path]] = {
    "bam+bai": lambda folder: making.write_reads(folder / "reads.bam"),
    "bam+csi": with_csi,
    "bam of htsjdk": straddling,
    "cram+crai": lambda folder: making.write_reads(folder / "reads.cram", "cram"),
    "vcf+tbi": variants("calls.vcf.gz"),
    "vcf+csi": variants("calls.vcf.gz", csi=True),
    "bcf+csi": variants("calls.bcf"),
}
"""Writes a file with its index into a folder."""


@dataclass
class Genome:
    """A file in the archive, its index beside it."""

    outbox: OutboxHost
    path: Path
    sample: Sample
    index: Sample
    dataset: str

    @property
    def route(self) -> str:
        kind = "reads" if self.path.suffix in {".bam", ".cram"} else "variants"
        return f"/{kind}/{self.sample.accession}"

    def ticket(self, *, post: Any = None, **query: Any) -> requests.Response:
        """Ask for a ticket."""
        headers = {"Authorization": f"Bearer {self.outbox.token()}", "Htsget-Context-Public-Key": KEY}
        if post is not None:
            return requests.post(self.outbox.url + self.route, json=post, headers=headers, timeout=60)
        return requests.get(self.outbox.url + self.route, params=query, headers=headers, timeout=60)

    def part(self, folder: Path, *, post: Any = None, **query: Any) -> Path:
        """Fetch what a ticket leads to, decrypt it as the stock tool does, and return it as a file."""
        answer = self.ticket(post=post, **query)
        assert answer.status_code == 200, answer.text
        target = folder / f"part.{self.path.name}"
        target.write_bytes(decrypted(b"".join(map(fetched, answer.json()["htsget"]["urls"]))))
        return target


def index_of(path: Path) -> Path:
    """Return the index beside a file."""
    return next(
        path.with_name(path.name + end)
        for end in (".bai", ".csi", ".crai", ".tbi")
        if path.with_name(path.name + end).exists()
    )


def offer(outbox: OutboxHost, path: Path, *, index_name: str | None = None, stored: bytes = b"") -> Genome:
    """Archive a file (or what is `stored` in its place) and its index in a dataset that the reader may read."""
    index = index_of(path)
    sample = outbox.add_file(stored or path.read_bytes(), path=f"run 1/{path.name}.c4gh")
    beside = outbox.add_file(index.read_bytes(), path=f"run 1/{index_name or index.name}.c4gh")
    dataset = f"EGAD-{sample.id}"
    outbox.add_dataset(dataset, sample, beside)
    outbox.grant(dataset)
    return Genome(outbox, path, sample, beside, dataset)


def fetched(url: dict[str, Any]) -> bytes:
    """Return what one of the URLs of a ticket leads to."""
    if url["url"].startswith("data:"):
        return base64.b64decode(url["url"].partition(",")[2], validate=True)
    answer = requests.get(url["url"], headers=url["headers"], timeout=60)
    assert answer.status_code == 206
    return answer.content


def body_bytes(ticket: dict[str, Any]) -> int:
    """Return how many bytes of the body a ticket names."""
    ranges = [url["headers"]["Range"].partition("=")[2].split("-") for url in ticket["urls"] if "headers" in url]
    return sum(int(last) + 1 - int(first) for first, last in ranges)
