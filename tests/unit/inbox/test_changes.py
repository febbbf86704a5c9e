"""Renaming, removing, folders and listing, and what happens when two do it at once."""

import json
from collections.abc import Callable

import pytest

from services.inbox import inbox as ground
from services.inbox.begin import begin
from services.inbox.browse import browse, look
from services.inbox.errors import Busy, InboxError, NotAllowed, NotThere
from services.inbox.folders import make_folder, remove_folder
from services.inbox.inbox import Inbox
from services.inbox.remove import remove
from services.inbox.rename import rename
from services.inbox.sidecars import keep_sidecar, read_digest
from shared.broker.unit import Unit
from tests.unit.inbox.helpers import MIB, change, events, put, rows, send, states, told

SHA256 = "ab" * 32


def names(inbox: Inbox, folder: str = "", user: str = "ann") -> list[str]:
    return [entry.name + ("/" if entry.is_folder else "") for entry in browse(inbox, user, folder)]


def lose_races(inbox: Inbox, monkeypatch: pytest.MonkeyPatch, rival: Callable[[], None], times: int = 1) -> None:
    """Let a rival act between the reading and the commit of the next units."""
    real, left = inbox.committer.commit, [rival] * times

    def commit(unit: Unit) -> None:
        if left:
            left.pop()()
        real(unit)

    monkeypatch.setattr(inbox.committer, "commit", commit)


def test_listing_shows_files_folders_checksum_files_and_unfinished_uploads(inbox: Inbox) -> None:
    make_folder(inbox, "ann", "f")
    put(inbox, "ann", "f/a")
    put(inbox, "ann", "b")
    keep_sidecar(inbox, "ann", "b.sha256", SHA256.encode())
    send(inbox, begin(inbox, "ann", "c"), bytes(16 * MIB), b"x", finish=False)
    make_folder(inbox, "ann", "empty")
    assert names(inbox) == ["b", "b.sha256", "c", "empty/", "f/"]
    assert names(inbox, "f") == ["a"]
    assert look(inbox, "ann", "c").size == 16 * MIB - 1
    assert look(inbox, "ann", "b").size == 7
    assert names(inbox, user="eve") == []
    with pytest.raises(NotThere):
        browse(inbox, "ann", "F")


def test_unfinished_upload_hides_the_file_it_will_replace(inbox: Inbox) -> None:
    put(inbox, "ann", "a")
    begun = begin(inbox, "ann", "a")
    assert look(inbox, "ann", "a").size == 0
    assert names(inbox) == ["a"]
    send(inbox, begun, b"longer content", finish=True)
    assert look(inbox, "ann", "a").size == 14


def test_remove_of_a_name_removes_the_file_and_its_successor(inbox: Inbox) -> None:
    file_id = put(inbox, "ann", "a")
    begin(inbox, "ann", "a")
    remove(inbox, "ann", "a")
    assert names(inbox) == []
    assert told(inbox) == [("upload", "ann/a"), ("remove", "ann/a")]
    cleanups = rows(inbox, "SELECT body, correlation_id FROM outgoing WHERE routing_key = 'cleanup'")
    assert [(json.loads(body)["file_ids"], correlation) for body, correlation in cleanups] == [([file_id], file_id)]
    assert events(inbox)[-4:] == ["cancelled", "abandoned", "cancelled", "removed"]


@pytest.mark.parametrize("state", ["uploaded", "error", "cancelled"])
def test_file_that_only_the_inbox_holds_is_cancelled_when_removed(inbox: Inbox, state: str) -> None:
    put(inbox, "ann", "a")
    change(inbox, f"UPDATE files SET state = '{state}'")
    remove(inbox, "ann", "a")
    assert states(inbox) == ["cancelled"]


@pytest.mark.parametrize("state", ["archived", "verified", "ready"])
def test_file_in_the_archive_only_leaves_the_inbox(inbox: Inbox, state: str) -> None:
    put(inbox, "ann", "a")
    change(inbox, f"UPDATE files SET state = '{state}'")
    remove(inbox, "ann", "a")
    assert states(inbox) == [state]
    assert told(inbox)[1:] == [("remove", "ann/a")]


def test_file_that_is_being_ingested_is_replaced_but_stays_readable_for_a_day(inbox: Inbox) -> None:
    put(inbox, "ann", "a")
    change(inbox, "UPDATE files SET state = 'submitted'")
    put(inbox, "ann", "a")
    assert states(inbox) == ["submitted", "uploaded"]
    [(soon,)] = rows(inbox, "SELECT due < datetime('now', '+23 hours') FROM outgoing WHERE routing_key = 'cleanup'")
    assert not soon


def test_two_removals_are_told_once(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    put(inbox, "ann", "a")
    change(inbox, "UPDATE files SET state = 'cancelled'")
    lose_races(inbox, monkeypatch, lambda: remove(inbox, "ann", "a"))
    with pytest.raises(NotThere):
        remove(inbox, "ann", "a")
    assert told(inbox) == [("upload", "ann/a"), ("remove", "ann/a")]


def test_file_that_was_removed_meanwhile_is_not_renamed(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    put(inbox, "ann", "a")
    lose_races(inbox, monkeypatch, lambda: remove(inbox, "ann", "a"))
    with pytest.raises(NotThere):
        rename(inbox, "ann", "a", "b", replace=False)
    assert told(inbox) == [("upload", "ann/a"), ("remove", "ann/a")]


def test_file_that_is_ingested_meanwhile_is_not_renamed(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    put(inbox, "ann", "a")
    ingest = "UPDATE files SET state = 'submitted', changed_at = datetime('now')"
    lose_races(inbox, monkeypatch, lambda: change(inbox, ingest))
    with pytest.raises(NotAllowed):
        rename(inbox, "ann", "a", "b", replace=False)
    assert names(inbox) == ["a"]


def test_who_always_loses_is_told_to_try_again(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    put(inbox, "ann", "a")
    touch = "UPDATE files SET changed_at = datetime(changed_at, '+1 second')"
    lose_races(inbox, monkeypatch, lambda: change(inbox, touch), times=ground._ATTEMPTS)
    with pytest.raises(Busy):
        remove(inbox, "ann", "a")


def test_rename_onto_itself_changes_nothing(inbox: Inbox) -> None:
    put(inbox, "ann", "a")
    make_folder(inbox, "ann", "f")
    rename(inbox, "ann", "a", "a", replace=True)
    rename(inbox, "ann", "f", "f", replace=True)
    assert told(inbox) == [("upload", "ann/a")]


def test_rename_takes_no_name_of_another_kind(inbox: Inbox) -> None:
    put(inbox, "ann", "a")
    keep_sidecar(inbox, "ann", "a.md5", b"0" * 32)
    make_folder(inbox, "ann", "f")
    for old, new in [("a", "a.sha256"), ("a.md5", "b"), ("a.md5", "b.sha256"), ("a", "f"), ("f", "a"), ("a", "no/a")]:
        with pytest.raises(InboxError):
            rename(inbox, "ann", old, new, replace=True)
    with pytest.raises(NotThere):
        rename(inbox, "ann", "b", "c", replace=True)
    assert told(inbox) == [("upload", "ann/a")]


def test_renamed_folder_takes_along_only_what_is_in_it(inbox: Inbox) -> None:
    for folder in ("f", "f%", "f_"):
        make_folder(inbox, "ann", folder)
        put(inbox, "ann", f"{folder}/a")
    put(inbox, "ann", "fa")
    keep_sidecar(inbox, "ann", "f/a.md5", b"0" * 32)
    rename(inbox, "ann", "f", "g", replace=False)
    assert names(inbox) == ["f%/", "f_/", "fa", "g/"]
    assert names(inbox, "g") == ["a", "a.md5"]


def test_folder_with_an_unfinished_upload_keeps_its_name(inbox: Inbox) -> None:
    make_folder(inbox, "ann", "f")
    begin(inbox, "ann", "f/a")
    with pytest.raises(NotAllowed):
        rename(inbox, "ann", "f", "g", replace=False)
    with pytest.raises(InboxError):
        remove_folder(inbox, "ann", "f")


def test_folder_is_there_as_long_as_something_is_in_it(inbox: Inbox) -> None:
    make_folder(inbox, "ann", "f")
    put(inbox, "ann", "f/a")
    change(inbox, "DELETE FROM folders")  # as if it had come by another front
    assert names(inbox) == ["f/"]
    remove(inbox, "ann", "f/a")
    assert names(inbox) == []


def test_file_and_folder_never_share_a_name(inbox: Inbox) -> None:
    put(inbox, "ann", "a")
    make_folder(inbox, "ann", "f")
    for name in ("a", "f"):
        with pytest.raises(InboxError):
            make_folder(inbox, "ann", name)
    with pytest.raises(InboxError):
        begin(inbox, "ann", "f")
    with pytest.raises(NotThere):
        begin(inbox, "ann", "a/b")
    with pytest.raises(NotAllowed):
        remove(inbox, "ann", "f")


@pytest.mark.parametrize(
    ("content", "digest"),
    [
        (SHA256.encode(), SHA256),
        (f"{SHA256.upper()}  a.c4gh\n".encode(), SHA256),
        (f"\n {SHA256} *a\n{'cd' * 32} b".encode(), SHA256),
    ],
)
def test_first_word_of_a_checksum_file_counts(content: bytes, digest: str) -> None:
    assert read_digest("a.sha256", content) == ("sha256", digest)


@pytest.mark.parametrize("content", [b"", b"  \n", b"ab", SHA256.encode() + b"0", b"\xff" * 64, b"0" * 32])
def test_checksum_file_without_checksum_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(InboxError, match=r"^a\.sha256 does not begin"):
        read_digest("f/a.sha256", content)
