"""What was learnt of files is kept within bounds, and what was used least is forgotten first."""

from services.outbox.htsget.formats import Outline
from services.outbox.htsget.known import Knowledge, Known, Unusable
from shared.genomics.binning import read_index
from shared.identifiers import FileId

INDEX = read_index(b"BAI\1" + (2000).to_bytes(4, "little") + bytes(8 * 2000))
KNOWN = Known(Outline(100, 5000, {"chr1": 0}, b""), INDEX)


def test_what_was_used_least_is_forgotten_first() -> None:
    knowledge = Knowledge(largest=2 * KNOWN.weight)
    for name in ("a", "b"):
        knowledge.keep((FileId(name), None), KNOWN)
    assert knowledge.of((FileId("a"), None)) is KNOWN
    knowledge.keep((FileId("c"), None), KNOWN)
    assert [name for name in "abc" if knowledge.of((FileId(name), None))] == ["a", "c"]


def test_what_is_learnt_again_counts_once() -> None:
    knowledge = Knowledge(largest=2 * KNOWN.weight)
    for _ in range(5):
        knowledge.keep((FileId("a"), FileId("x")), KNOWN)
    knowledge.keep((FileId("b"), None), KNOWN)
    assert knowledge.of((FileId("a"), FileId("x"))) is KNOWN
    assert knowledge.of((FileId("a"), None)) is None


def test_many_that_are_of_no_use_take_no_more_room() -> None:
    knowledge = Knowledge(largest=10 * Unusable("x").weight)
    for number in range(100):
        knowledge.keep((FileId(str(number)), None), Unusable("x"))
    assert sum(knowledge.of((FileId(str(number)), None)) is not None for number in range(100)) == 10
