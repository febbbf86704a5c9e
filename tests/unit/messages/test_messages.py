"""What is taken, what is refused, and what goes out."""

import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.errors import MessageRefused
from shared.messages.base import Message
from shared.messages.catalogue import CATALOGUES, Catalogue, IdRules, message_type
from shared.messages.datasets import Deprecate, FederatedMapping, Mapping, Release
from shared.messages.fields import checksums, digests
from shared.messages.inbox import InboxMessage, InboxRemove, InboxRename, InboxUpload
from shared.messages.ingestion import Accession, FederatedAccession, IngestTrigger
from shared.messages.operations import ErrorMessage
from shared.messages.schemas import schema, write_schemas
from tests.unit.messages.examples import BOTH, FEDERATED_ONLY, INVALID, MD5, SHA256, VALID, Body

ISOLATED, FEDERATED = CATALOGUES[IdRules.ISOLATED], CATALOGUES[IdRules.FEDERATED]
BOTH_RULES = pytest.mark.parametrize("catalogue", [ISOLATED, FEDERATED], ids=["isolated", "federated"])


NAMES = st.sampled_from(["type", "user", "filepath", "dataset_id", "encrypted_checksums", "operation", "x"])
LEAVES = st.none() | st.booleans() | st.floats() | st.text()
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner))


def on_wire(message: Message) -> Body:
    found: Body = json.loads(message.body())
    return found


def fits(model: type[Message], body: Body) -> bool:
    return bool(jsonschema.Draft202012Validator(schema(model)).is_valid(body))


def test_every_message_has_an_example() -> None:
    assert set(VALID) == set(ISOLATED.models) == set(FEDERATED.models)


@BOTH_RULES
@pytest.mark.parametrize("name", sorted(VALID))
def test_valid_message_goes_out_as_it_came_in(catalogue: Catalogue, name: str) -> None:
    model = catalogue.models[name]
    assert on_wire(model.model_validate(VALID[name])) == VALID[name]
    assert fits(model, VALID[name])


@BOTH_RULES
@pytest.mark.parametrize("name", sorted(set(VALID) - {"file-sync", "metadata-sync"}))
def test_unknown_fields_are_taken_and_dropped(catalogue: Catalogue, name: str) -> None:
    model = catalogue.models[name]
    body = VALID[name] | {"what we do not know": [1, {"x": None}]}
    assert on_wire(model.model_validate(body)) == VALID[name]
    assert fits(model, body)


@BOTH_RULES
@pytest.mark.parametrize(("name", "change"), INVALID)
def test_invalid_message_is_refused_by_model_and_schema(catalogue: Catalogue, name: str, change: Body) -> None:
    body = VALID[name] | change
    with pytest.raises(ValidationError):
        catalogue.models[name].model_validate(body)
    assert not fits(catalogue.models[name], body)


@BOTH_RULES
@pytest.mark.parametrize("name", sorted(VALID))
def test_required_field_that_is_missing_is_refused(catalogue: Catalogue, name: str) -> None:
    model = catalogue.models[name]
    required = [field.alias or key for key, field in model.model_fields.items() if field.is_required()]
    assert required
    for missing in required:
        body = {key: value for key, value in VALID[name].items() if key != missing}
        with pytest.raises(ValidationError):
            model.model_validate(body)
        assert not fits(model, body)


@pytest.mark.parametrize(("name", "change"), FEDERATED_ONLY)
def test_ids_of_the_ega_are_demanded_of_a_federated_node_only(name: str, change: Body) -> None:
    body = VALID[name] | change
    assert on_wire(ISOLATED.models[name].model_validate(body)) == body
    assert fits(ISOLATED.models[name], body)
    with pytest.raises(ValidationError):
        FEDERATED.models[name].model_validate(body)
    assert not fits(FEDERATED.models[name], body)


def test_fields_that_are_not_set_do_not_go_out() -> None:
    assert on_wire(InboxUpload(user="ann", filepath="a.c4gh")) == {
        "operation": "upload", "user": "ann", "filepath": "a.c4gh",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["inbox-upload", "ingestion-trigger", "ingestion-user-error"])
def test_etag_of_a_multipart_upload_is_dropped(name: str) -> None:
    etag = {"type": "md5", "value": f"{MD5}-12"}
    message = ISOLATED.models[name].model_validate(VALID[name] | {"encrypted_checksums": [BOTH[0], etag]})
    assert on_wire(message)["encrypted_checksums"] == [BOTH[0]]


def test_hexadecimal_digits_become_lower_case() -> None:
    message = IngestTrigger.model_validate(
        VALID["ingestion-trigger"] | {"encrypted_checksums": [{"type": "sha256", "value": SHA256.upper()}]}
    )
    assert digests(message.encrypted_checksums or ()) == {"sha256": SHA256}


@BOTH_RULES
@given(user=st.text(min_size=2), path=st.text(min_size=2), sha256=st.binary(min_size=32, max_size=32))
def test_any_text_survives_the_wire(catalogue: Catalogue, user: str, path: str, sha256: bytes) -> None:
    message = catalogue.model(IngestTrigger)(
        type="ingest", user=user, filepath=path, encrypted_checksums=checksums({"sha256": sha256.hex()})
    )
    assert catalogue.read(message.body().encode(), IngestTrigger) == message
    assert fits(IngestTrigger, on_wire(message))


@given(original=st.text(), reason=st.text(min_size=1))
def test_original_message_survives_the_wire_as_text(original: str, reason: str) -> None:
    message = ErrorMessage(error="refused", reason=reason, original_message=original)
    assert on_wire(message)["original-message"] == original
    assert ISOLATED.read(message.body().encode(), ErrorMessage) == message


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_reading_refuses_or_returns_a_message(body: bytes) -> None:
    try:
        found = ISOLATED.read(body, Mapping, Release, Deprecate)
    except MessageRefused:
        return
    assert isinstance(found, Mapping | Release | Deprecate)


@given(JSON)
def test_no_json_breaks_the_reader(value: Any) -> None:
    body = json.dumps(value).encode()
    for kinds in ((IngestTrigger,), (Mapping, Release), (InboxUpload, InboxRename)):
        try:
            found = ISOLATED.read(body, *kinds)
        except MessageRefused:
            continue
        assert isinstance(found, kinds)


@pytest.mark.parametrize(
    ("name", "model"),
    [("inbox-upload", InboxUpload), ("inbox-rename", InboxRename), ("inbox-remove", InboxRemove)],
)
def test_messages_are_told_apart_by_their_operation(name: str, model: type[InboxMessage]) -> None:
    body = json.dumps(VALID[name]).encode()
    assert type(ISOLATED.read(body, InboxUpload, InboxRename, InboxRemove)) is model


def test_federated_node_reads_its_own_models() -> None:
    body = json.dumps(VALID["dataset-mapping"]).encode()
    assert type(FEDERATED.read(body, Mapping, Release, Deprecate)) is FederatedMapping
    assert FEDERATED.model(Accession) is FederatedAccession


@pytest.mark.parametrize("body", [b"{}", b'{"type": "upload"}', b'{"type": ["release"]}', b'{"type": null}'])
def test_unknown_type_is_refused_with_the_known_ones(body: bytes) -> None:
    with pytest.raises(MessageRefused, match="expected one of dataset-mapping, dataset-release"):
        ISOLATED.read(body, Mapping, Release)


def test_refusal_names_the_field_and_never_the_value() -> None:
    body = json.dumps(VALID["ingestion-trigger"] | {"filepath": 77_123}).encode()
    with pytest.raises(MessageRefused, match="filepath") as caught:
        ISOLATED.read(body, IngestTrigger)
    assert "77" not in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"1", b"\xff", b"[" * 100_000, b'{"type": 7}', b"{}"])
def test_message_without_a_type_is_refused(body: bytes) -> None:
    with pytest.raises(MessageRefused):
        message_type(body)


def test_schemas_are_written_for_both_rules(tmp_path: Any) -> None:
    write_schemas(tmp_path)
    for rules in IdRules:
        files = sorted(path.stem for path in (tmp_path / rules).glob("*.json"))
        assert files == sorted(VALID)
    for path in tmp_path.glob("*/*.json"):
        jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))
