"""Lists: complete, in order, and page by page in the same time however many files there are."""

import uuid
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from sqlalchemy import insert

from shared.database.tables import files
from shared.database.types import now
from tests.integration.inbox_s3.clients import Account
from tests.integration.inbox_s3.host import Replicas, Terrain

USER = "ann"


def fill(inbox: Replicas, paths: list[str]) -> None:
    rows = [
        {"id": str(uuid.uuid4()), "user": USER, "path": path, "state": "uploaded", "size": 1, "inbox_location": "inbox",
         "registered_at": now(), "changed_at": now()}
        for path in paths
    ]  # fmt: skip
    with inbox.first.database.write() as connection:
        connection.execute(insert(files), rows)


def client(inbox: Replicas, folder: Path) -> Any:
    return Account(inbox.endpoint, inbox.credentials(USER), USER, folder).boto3()


def listed(s3: Any, operation: str = "list_objects_v2", **asked: Any) -> tuple[list[str], list[str]]:
    keys, folders = [], []
    for page in s3.get_paginator(operation).paginate(Bucket=USER, **asked):
        keys += [item["Key"] for item in page.get("Contents", [])]
        folders += [item["Prefix"] for item in page.get("CommonPrefixes", [])]
    return keys, folders


def test_every_way_of_listing_gives_what_there_is_in_order(inbox: Replicas, tmp_path: Path) -> None:
    s3 = client(inbox, tmp_path)
    paths = ["B", "a", "a b", "a-b/c", "a.c4gh", "a/1", "a/2", "a/b/3", "a0", "å/ø", "z/9"]
    fill(inbox, paths)
    s3.put_object(Bucket=USER, Key="z/9.sha256", Body=b"0" * 64)
    whole = sorted([*paths, "z/9.sha256"], key=str.encode)
    for size in (1, 2, 3, 1000):
        for operation in ("list_objects", "list_objects_v2"):
            page = {"PaginationConfig": {"PageSize": size}}
            assert listed(s3, operation, **page) == (whole, [])
            keys, folders = listed(s3, operation, Delimiter="/", **page)
            assert keys == ["B", "a", "a b", "a.c4gh", "a0"]
            assert folders == ["a-b/", "a/", "z/", "å/"]
            assert listed(s3, operation, Prefix="a/", Delimiter="/", **page) == (
                ["a/1", "a/2"],
                ["a/b/"],
            )
            assert listed(s3, operation, Prefix="none/", **page) == ([], [])
    assert listed(s3, StartAfter="a/2")[0] == [key for key in whole if key.encode() > b"a/2"]


def test_pages_of_a_hundred_thousand_files_take_the_same_time(real_terrain: Terrain, tmp_path: Path) -> None:
    with real_terrain.inboxes() as inbox:
        s3 = client(inbox, tmp_path)
        fill(inbox, [f"run{number // 1000:03}/sample-{number:06}.c4gh" for number in range(100_000)])
        assert len(listed(s3, Delimiter="/")[1]) == 100

        def seconds(**asked: Any) -> float:
            times = []
            for _ in range(5):
                began = perf_counter()
                assert s3.list_objects_v2(Bucket=USER, **asked)["KeyCount"]
                times.append(perf_counter() - began)
            return median(times)

        first = seconds()
        last = seconds(StartAfter="run098/sample-098999.c4gh")
        inside = seconds(Prefix="run050/", Delimiter="/")
        assert max(last, inside) < 3 * first + 0.05
        assert seconds(Delimiter="/") < 3 * first + 0.05
