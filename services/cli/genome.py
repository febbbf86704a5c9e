"""A small made-up genome file for the demonstration: variants of nobody, in VCF."""

import random
from pathlib import Path

VARIANTS = 120_000
_BASES = "ACGT"
_HEAD = """##fileformat=VCFv4.3
##source=strongroom-demo
##contig=<ID=chr22,length=50818468>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM	POS	ID	REF	ALT	QUAL	FILTER	INFO	FORMAT	NOBODY
"""


def write_variants(path: Path, *, seed: int = 22) -> None:
    """Write about 5 MB of made-up variants (VCF 4.3), the same for the same seed."""
    dice = random.Random(seed)  # noqa: S311 - data to look at, not to hide
    position = 10_510_000
    with path.open("w", encoding="ascii") as file:
        file.write(_HEAD)
        for _ in range(VARIANTS):
            position += dice.randint(1, 600)
            reference, alternative = dice.sample(_BASES, 2)
            genotype = dice.choice(("0/1", "1/1"))
            file.write(
                f"chr22\t{position}\t.\t{reference}\t{alternative}\t{dice.randint(30, 99)}\tPASS\t.\tGT\t{genotype}\n"
            )
