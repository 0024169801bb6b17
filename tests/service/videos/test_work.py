"""The jobs that prepare a video, with workers that only count: what is handed out, how often, and after a crash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from service.assets import service as assets
from service.assets.models import Asset
from service.blobs.store import BlobStoreFailed
from service.context import Context
from service.db import scoped
from service.errors import NotFound
from service.identity.roles import Principal, Role
from service.lookups.models import Fingerprint, Landmarks
from service.runtime import offline
from service.settings import Settings
from service.tenants import service as tenants
from service.videos import pixels, work
from service.videos.films import bundles_of, store_of
from service.videos.lending import Borrowed

SEGMENTS = 11


class Killed(BaseException):
    """The process died."""


class CountingPool:
    """Answers as workers would, at once; ``dies_at`` is the number of a segment at which the process dies, once."""

    workers = 2

    def __init__(self) -> None:
        self.made: Counter[int] = Counter()
        self.dies_at: int | None = None
        self.tells: tuple[float, ...] = ()
        self.look: Callable[[], float] = lambda: 0.0
        self.seen: list[float] = []

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        if function is pixels.outline:
            return pixels.Outline(640, 360, SEGMENTS * 6.0, SEGMENTS)
        raise AssertionError(function)

    def run_within(self, timeout_s: float, wait_s: float, function: Callable[..., Any], *args: Any) -> Any:
        if function is pixels.inspect:
            return None
        if function is pixels.make_segment:
            number = args[2]
            for share in self.tells:
                Borrowed(args[0]).tell(share)
            if self.tells:
                Borrowed(args[0]).has("nothing")  # answered after all that was told before
                self.seen.append(self.look())
            if number == self.dies_at:
                self.dies_at = None
                raise Killed
            self.made[number] += 1
            return {f"{kind}/{number:05d}": f"{kind} {number}".encode() for kind in ("segments", "sizes", "facts")}
        assert function is pixels.join
        codes = [bytes(32)] * 8
        return pixels.Joined({"master": b"the master"}, ("said",), [pixels.Moment(1.0, codes, 90)], [(1.0, b"lm")])


@pytest.fixture
def counting() -> CountingPool:
    return CountingPool()


@pytest.fixture
def prepared(tmp_path: Path, counting: CountingPool) -> Iterator[Context]:
    with offline(Settings(_env_file=None, data_dir=tmp_path / "data"), pool=counting) as context:  # type: ignore[arg-type]
        context.lookups.refresh = lambda *, force=False: None  # type: ignore[method-assign]
        yield context


def someone(context: Context) -> Principal:
    with context.database.writing() as session:
        tenant_id = tenants.create(session, context=context, name="Maison").tenant.id
    return Principal("x", tenant_id, frozenset({Role.UPLOADER}), "x")


def receive(context: Context, principal: Principal) -> str:
    with context.database.writing() as session:
        data = b"\0\0\0\x18ftypisom" + bytes(100)
        return assets.receive(session, context=context, principal=principal, data=data, title="Film").id


def show(context: Context, principal: Principal, asset_id: str) -> Asset:
    with context.database.reading() as session:
        return assets.require(session, principal=principal, asset_id=asset_id)


def kept(context: Context) -> list[str]:
    """Names of all files that are left in the store."""
    return [path.name for path in (context.settings.data_dir / "blobs").rglob("*") if path.is_file()]


def test_every_segment_is_made_once_and_then_joined(prepared: Context, counting: CountingPool) -> None:
    principal = someone(prepared)
    asset = show(prepared, principal, receive(prepared, principal))
    assert (asset.kind, asset.state, asset.segments, asset.notes) == ("video", "ready", SEGMENTS, ["said"])
    assert counting.made == Counter(range(SEGMENTS))
    with prepared.database.reading() as session:
        found = list(session.scalars(scoped(session, Fingerprint, principal)))
        assert [(row.at_s, row.orientation) for row in found] == [(1.0, turn) for turn in range(8)]
        assert [row.at_s for row in session.scalars(scoped(session, Landmarks, principal))] == [1.0]


def test_after_a_crash_only_what_is_missing_is_made(prepared: Context, counting: CountingPool) -> None:
    principal = someone(prepared)
    counting.dies_at = 6
    with pytest.raises(Killed):
        receive(prepared, principal)
    with prepared.database.reading() as session:
        asset = session.scalars(scoped(session, Asset, principal)).one()
        before = bundles_of(session, asset=asset)
    assert asset.state == "preparing"
    assert 0 < asset.progress < 0.92
    assert 6 not in before
    assert len(before) == 6
    prepared.jobs = type(prepared.jobs)(prepared.jobs._jobs)  # type: ignore[attr-defined, call-arg]
    prepared.jobs.submit(assets.preparing_of(asset), asset.id)
    assert show(prepared, principal, asset.id).state == "ready"
    assert counting.made == Counter(range(SEGMENTS))
    with prepared.database.reading() as session:
        after = bundles_of(session, asset=asset)
    assert before.items() <= after.items()


def test_parts_lie_encrypted_and_go_with_the_asset(prepared: Context, counting: CountingPool) -> None:
    principal = someone(prepared)
    asset = show(prepared, principal, receive(prepared, principal))
    with prepared.database.reading() as session:
        store = store_of(session, context=prepared, asset=asset)
    assert (store.get("segments/00003"), store.get("master")) == (b"segments 3", b"the master")
    assert not store.has("segments/00011")
    files = [path for path in (prepared.settings.data_dir / "blobs").rglob("*") if path.is_file()]
    assert len(files) == 1 + 3 * SEGMENTS + 1
    assert not any(b"segments" in path.read_bytes() or b"master" in path.read_bytes() for path in files)
    with prepared.database.writing() as session:
        assets.delete(session, context=prepared, principal=principal, asset_id=asset.id, confirm="Film")
    assert not [path for path in (prepared.settings.data_dir / "blobs").rglob("*") if path.is_file()]
    with pytest.raises(NotFound):
        show(prepared, principal, asset.id)


def test_progress_moves_within_a_segment_and_never_back(prepared: Context, counting: CountingPool) -> None:
    principal = someone(prepared)

    def look() -> float:
        with prepared.database.reading() as session:
            return session.scalars(scoped(session, Asset, principal)).one().progress

    counting.tells, counting.look = (0.25, 0.5, 0.1, 7.0, 0.5), look
    receive(prepared, principal)
    assert counting.seen[0] == pytest.approx(0.92 / SEGMENTS)
    assert counting.seen == sorted(counting.seen)
    assert counting.seen[-1] <= 0.92


def test_when_the_disk_is_full_the_uploader_is_told_and_no_part_stays(
    prepared: Context, counting: CountingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    principal = someone(prepared)
    put_once = prepared.blobs.put_once

    def full(name: str, data: bytes, *, key: bytes, durable: bool = False) -> None:
        if "film/00005" in name and name.endswith("sizes"):
            raise BlobStoreFailed
        put_once(name, data, key=key, durable=durable)

    monkeypatch.setattr(prepared.blobs, "put_once", full)
    asset = show(prepared, principal, receive(prepared, principal))
    assert (asset.state, bool(asset.problem), bool(asset.hint)) == ("failed", True, True)
    assert kept(prepared) == ["original"]


def test_a_segment_that_comes_too_late_leaves_nothing(
    prepared: Context, counting: CountingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    principal = someone(prepared)

    def late(asset_id: str) -> None:
        counting.look = lambda: work.give_up(prepared, asset_id, RuntimeError("lost")) or 0.0

    monkeypatch.setattr(work, "hand_out", lambda context, asset_id: (late(asset_id), work.make(context, asset_id, 0)))
    counting.tells = (0.5,)
    asset = show(prepared, principal, receive(prepared, principal))
    assert asset.state == "failed"
    assert kept(prepared) == ["original"]


def test_progress_that_cannot_be_noted_costs_no_segment(
    prepared: Context, counting: CountingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    principal = someone(prepared)
    asset = show(prepared, principal, receive(prepared, principal))

    def locked(session: object, asset_id: str) -> None:
        raise OperationalError("UPDATE assets", None, Exception("database is locked"))

    monkeypatch.setattr(work, "_open", locked)
    work.note(prepared, asset.id, 0.5)
