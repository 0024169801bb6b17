"""One contract for every store."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.blobs.store import BlobMissing, ObjectBlobs
from service.vault.streams import DamagedFile

KEY = bytes(range(32))


@pytest.fixture(params=["file", "memory"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectBlobs:
    return ObjectBlobs((tmp_path / "blobs with space").as_uri() if request.param == "file" else "memory:///")


def test_what_is_put_comes_back(blobs: ObjectBlobs) -> None:
    blobs.put_once("brd/ast/original", b"pixels" * 400_000, key=KEY, durable=True)
    assert blobs.get("brd/ast/original", key=KEY) == b"pixels" * 400_000
    assert blobs.healthy()


def test_the_first_content_stays(blobs: ObjectBlobs) -> None:
    blobs.put_once("a/b", b"first", key=KEY)
    blobs.put_once("a/b", b"second", key=KEY)
    assert blobs.get("a/b", key=KEY) == b"first"


def test_what_is_gone_is_missing(blobs: ObjectBlobs) -> None:
    with pytest.raises(BlobMissing):
        blobs.get("a/none", key=KEY)
    blobs.delete("a/none")
    for name in ("a/1", "a/2", "ab/3"):
        blobs.put_once(name, b"x", key=KEY)
    blobs.delete_under("a")
    with pytest.raises(BlobMissing):
        blobs.get("a/1", key=KEY)
    assert blobs.get("ab/3", key=KEY) == b"x"


def test_the_wrong_key_opens_nothing(blobs: ObjectBlobs) -> None:
    blobs.put_once("a/b", b"x", key=KEY)
    with pytest.raises(DamagedFile):
        blobs.get("a/b", key=bytes(32))


def test_names_cannot_leave_the_store(blobs: ObjectBlobs, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"(?i)path|segment"):
        blobs.put_once("../outside", b"x", key=KEY)
    assert not (tmp_path / "outside").exists()
    with pytest.raises(ValueError, match="whole store"):
        blobs.delete_under("")
