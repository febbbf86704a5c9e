"""What is fuzzed: each target takes any bytes, and fails by any exception that it does not expect."""

import hashlib
import io
from collections.abc import Callable

from atheris import FuzzedDataProvider

from services.intercept.route import route
from shared.broker.delivery import Delivery
from shared.broker.unit import Unit
from shared.crypto.editlist import Editor, apply, kept_intervals, narrow
from shared.crypto.examine import examine
from shared.crypto.header import header_length, open_header, read_header
from shared.crypto.segments import CIPHER_SEGMENT, OVERHEAD, SEGMENT
from shared.crypto.stable import seal_stably
from shared.crypto.streams import decrypt_stream
from shared.errors import FileRefused, MessageRefused
from shared.messages.base import Message
from shared.messages.catalogue import CATALOGUES, Catalogue, IdRules
from tests.fuzz.building import Sealed, make_edits, make_header, make_message, make_sealed
from tests.unit.crypto.reference import ALICE, BOB, edited


def header(data: bytes) -> None:
    """A header is opened or refused; what opens says the same after it was sealed for another reader."""
    content = make_header(FuzzedDataProvider(data))
    try:
        whole = read_header(io.BytesIO(content))
        opened = open_header(whole, [ALICE])
    except FileRefused:
        return
    assert content.startswith(whole)
    assert header_length(content) == len(whole)
    sealed = seal_stably(opened.data_keys, BOB.public, opened.edit_list, archive=ALICE)
    again = open_header(sealed, [BOB])
    assert (again.data_keys, again.edit_list) == (opened.data_keys, opened.edit_list)


def body(data: bytes) -> None:
    """A file that was harmed is refused; what is given out of it are the right bytes, edit list and range applied."""
    given = FuzzedDataProvider(data)
    sealed = make_sealed(given)
    start, end = _range(given, len(sealed.plain))
    sink = io.BytesIO()
    try:
        decrypt_stream(io.BytesIO(sealed.header + sealed.body), sink.write, [ALICE], start=start, end=end)
    except FileRefused:
        assert sealed.body != sealed.unharmed
        return
    assert sink.getvalue() == _visible(sealed)[start:end]


def examination(data: bytes) -> None:
    """Verification finds every harm but a cut between two segments, of which it tells the size."""
    sealed = make_sealed(FuzzedDataProvider(data))
    try:
        found = examine(sealed.header, io.BytesIO(sealed.body), [ALICE])
    except FileRefused:
        assert sealed.body != sealed.unharmed
        return
    assert sealed.is_cut
    visible = _visible(sealed)
    assert found.plain == {name: hashlib.new(name, visible).hexdigest() for name in ("sha256", "md5")}
    assert (found.body_size, found.plain_size) == (len(sealed.body), len(visible))


def edits(data: bytes) -> None:
    """Every way to apply an edit list gives what the specification says."""
    given = FuzzedDataProvider(data)
    numbers, size = make_edits(given), given.ConsumeIntInRange(1, 50)
    start, end = _range(given, 100)
    text = bytearray(given.ConsumeBytes(200))
    chunks = [memoryview(text)[first : first + size] for first in range(0, len(text), size)]
    expected = edited(bytes(text), numbers)
    assert b"".join(apply(chunks, numbers)) == expected
    assert b"".join(text[low:high] for low, high in narrow(kept_intervals(numbers), start, end)) == expected[start:end]
    editor = Editor(kept_intervals(numbers))
    assert b"".join([bytes(editor.compact(chunk)) for chunk in chunks]) == expected


def message(data: bytes) -> None:
    """A message is read or refused, whoever reads it; what was read goes out and comes in as the same."""
    content = make_message(FuzzedDataProvider(data))
    for catalogue in CATALOGUES.values():
        for kinds in _KINDS:
            _read(catalogue, content, kinds)
    unit = Unit("fuzz")
    try:
        route(Delivery("from_cega", content), unit)
    except MessageRefused:
        return
    assert len(unit.effects) <= 1


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (header, body, examination, edits, message)
}

_MODELS = CATALOGUES[IdRules.ISOLATED].models
_KINDS: list[tuple[type[Message], ...]] = [
    *((model,) for model in _MODELS.values()),
    tuple(_MODELS[name] for name in ("inbox-upload", "inbox-rename", "inbox-remove")),
    tuple(_MODELS[name] for name in ("dataset-mapping", "dataset-release", "dataset-deprecate")),
]


def _read(catalogue: Catalogue, content: bytes, kinds: tuple[type[Message], ...]) -> None:
    try:
        found = catalogue.read(content, *kinds)
    except MessageRefused:
        return
    assert catalogue.read(found.body().encode(), type(found)) == found


def _range(given: FuzzedDataProvider, size: int) -> tuple[int, int | None]:
    start = given.ConsumeIntInRange(0, size + 100)
    return start, None if given.ConsumeBool() else start + given.ConsumeIntInRange(0, size + 100)


def _visible(sealed: Sealed) -> bytes:
    """Return what a reader of the file may get: all of it, or what its size tells after a cut."""
    whole, rest = divmod(len(sealed.body), CIPHER_SEGMENT)
    apparent = whole * SEGMENT + max(rest - OVERHEAD, 0)
    return edited(sealed.plain[:apparent] if sealed.is_cut else sealed.plain, sealed.edits)
