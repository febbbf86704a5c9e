import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.storage.sizes import (
    MAX_BUFFERED,
    MAX_OBJECT,
    MAX_PARTS,
    MIB,
    MIN_PART,
    PartSizes,
    buffers,
    part_size,
    spans,
)

GIB = 1024 * MIB
LEAST = st.integers(MIN_PART, 5 * GIB)
# five thousand parts, so that an example stays quick
LENGTHS = st.integers(0, 5000 * MIN_PART)


@given(st.integers(0, MAX_OBJECT), LEAST)
def test_every_object_fits_in_ten_thousand_parts_of_legal_size(total: int, least: int) -> None:
    size = part_size(total, least)
    assert size * MAX_PARTS >= total
    assert least <= size <= 5 * GIB


def test_the_largest_object_has_parts_of_525_mib() -> None:
    assert part_size(MAX_OBJECT, PartSizes().upload) == 525 * MIB
    assert len(list(spans(0, MAX_OBJECT, 525 * MIB))) <= MAX_PARTS


def test_a_larger_object_is_refused() -> None:
    with pytest.raises(ValueError, match="5 TiB"):
        part_size(MAX_OBJECT + 1, MIN_PART)


@given(st.integers(0, 600 * 10**9))
def test_objects_below_600_gb_need_64_mib_of_memory(total: int) -> None:
    size = part_size(total, PartSizes().upload)
    assert 0 < size * buffers(size) <= MAX_BUFFERED


@given(st.integers(0, MAX_OBJECT))
def test_any_object_needs_the_larger_of_64_mib_and_one_part(total: int) -> None:
    size = part_size(total, PartSizes().upload)
    assert size * buffers(size) <= max(MAX_BUFFERED, size)


@given(st.integers(0, MAX_OBJECT), LENGTHS, st.integers(MIN_PART, GIB))
def test_spans_cover_a_range_once_without_gaps(offset: int, length: int, size: int) -> None:
    position = offset
    for index, span in enumerate(spans(offset, length, size)):
        assert span.number == index + 1
        assert span.offset == position
        assert span.length == size or position + span.length == offset + length
        assert span.length > 0
        position += span.length
    assert position == offset + length


@pytest.mark.parametrize("sizes", [{"upload": MIN_PART - 1}, {"copy": MIN_PART - 1}])
def test_parts_that_no_store_takes_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="5 MiB"):
        PartSizes(**sizes)
