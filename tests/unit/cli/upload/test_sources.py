"""Which files are sent, and what they are called."""

import os
from pathlib import Path

import pytest

from services.cli.upload.sources import find_sources
from shared.errors import UserError


@pytest.fixture
def study(tmp_path: Path) -> Path:
    folder = tmp_path / "study"
    (folder / "b" / "empty").mkdir(parents=True)
    (folder / "a.bam").write_bytes(b"1")
    (folder / "b" / ".hidden").write_bytes(b"22")
    (folder / "b" / "c.c4gh").write_bytes(b"333")
    (folder / "b" / "link").symlink_to(folder / "a.bam")
    (folder / "b" / "loop").symlink_to(folder)
    (folder / "b" / "dangling").symlink_to(folder / "nothing")
    os.mkfifo(folder / "b" / "pipe")
    return folder


def test_a_folder_goes_with_its_name_and_nothing_is_passed_over_in_silence(study: Path) -> None:
    found = find_sources([study], "/x//y/")
    assert {source.key: source.size for source in found.sources} == {
        "x/y/study/a.bam.c4gh": 1,
        "x/y/study/b/.hidden.c4gh": 2,
        "x/y/study/b/c.c4gh": 3,
        "x/y/study/b/link.c4gh": 1,
    }
    assert found.passed_over == [
        f"{study}/b/dangling: a link to nothing",
        f"{study}/b/empty: an empty folder",
        f"{study}/b/loop: a link to a folder",
        f"{study}/b/pipe: no regular file",
    ]


def test_the_folder_one_is_in_goes_with_its_name_too(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(study)
    assert find_sources([Path()], "").sources[0].key == "study/a.bam.c4gh"
    assert find_sources([Path("a.bam")], "").sources[0].key == "a.bam.c4gh"


def test_two_files_never_get_one_name(study: Path, tmp_path: Path) -> None:
    (study / "a.bam.c4gh").write_bytes(b"")
    with pytest.raises(UserError, match=r"would have one name in the inbox, study/a\.bam\.c4gh"):
        find_sources([study], "")
    with pytest.raises(UserError, match="would have one name"):
        find_sources([study / "b" / "link", study / "b" / "link"], "")


def test_what_can_not_be_sent_is_said_before_anything_is(study: Path) -> None:
    with pytest.raises(UserError, match="none is not there"):
        find_sources([study, study / "none"], "")
    with pytest.raises(UserError, match="neither a file nor a folder"):
        find_sources([study / "b" / "pipe"], "")
    with pytest.raises(UserError, match="there is no file to upload"):
        find_sources([study / "b" / "empty"], "")
    with pytest.raises(UserError, match=r"without `\.\.`"):
        find_sources([study], "a/../../b")
    (study / os.fsdecode(b"caf\xe9")).write_bytes(b"")
    with pytest.raises(UserError, match="UTF-8"):
        find_sources([study], "")
