"""A worker gets the parts it asks for and nothing else; what goes wrong on either side is told."""

from __future__ import annotations

import pytest

from service.blobs.store import BlobStoreFailed
from service.videos.lending import Borrowed, Made, lending
from service.videos.memory import as_file

PARTS = {"master": b"m", "segments/00000": b"s" * 1000}


def test_parts_are_lent_by_name() -> None:
    with lending(PARTS.__getitem__) as lent:
        store = Borrowed(lent)
        assert store.get("segments/00000") == PARTS["segments/00000"]
        assert store.has("master")
        assert not store.has("segments/00001")
        with pytest.raises(KeyError):
            store.get("other")
        with pytest.raises(TypeError):
            store.put("master", b"x")


def test_what_is_made_comes_before_what_is_lent() -> None:
    with lending(PARTS.__getitem__) as lent:
        made = Made(Borrowed(lent))
        made.put("master", b"new")
        assert (made.get("master"), made.has("segments/00000"), list(made.parts)) == (b"new", True, ["master"])


def test_a_worker_tells_how_far_it_is() -> None:
    told: list[float] = []
    with lending(PARTS.__getitem__, told.append) as lent:
        borrowed = Borrowed(lent)
        borrowed.tell(0.25)
        borrowed.tell(1.0)
        assert borrowed.get("master") == PARTS["master"]
    assert told == [0.25, 1.0]


def test_a_store_that_fails_is_what_the_task_fails_of() -> None:
    def fetch(name: str) -> bytes:
        raise BlobStoreFailed

    with pytest.raises(BlobStoreFailed), lending(fetch) as lent:
        Borrowed(lent).get("master")


def test_a_task_s_own_error_is_kept() -> None:
    with pytest.raises(ZeroDivisionError), lending(PARTS.__getitem__):
        raise ZeroDivisionError


def test_bytes_have_a_path_only_while_they_are_used() -> None:
    with as_file(b"clip") as path:
        assert path.read_bytes() == b"clip"
        assert path.read_bytes() == b"clip"
    assert not path.exists()
