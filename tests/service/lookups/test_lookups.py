"""Look-ups: exact, kept apart by brand, told by role, and silent about what is not ours."""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
import pytest
import sqlalchemy as sa
from conftest import Brand, jpeg, new_brand
from engines.contract import flipped
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.assets.models import Asset
from service.context import Context
from service.db import everywhere, now, scoped
from service.events.models import Event
from service.identity.roles import Principal
from service.jobs.pool import PixelPool
from service.lookups.details import DETAILS, details_of
from service.lookups.engines.embedded import EmbeddedEngine
from service.lookups.index import LookupIndex
from service.lookups.models import Landmarks
from service.lookups.schemas import LookupAnswer
from service.settings import Settings
from service.tenants.models import Tenant
from watermark import fingerprint

NOISE = jpeg(np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8))


def ask(client: TestClient, headers: dict[str, str], *hashes: dict[str, Any]) -> list[dict[str, Any]]:
    answer = client.post("/v1/lookup", json={"hashes": list(hashes)}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


def wrapped_key(context: Context, tenant_id: str) -> bytes:
    with context.database.reading() as session:
        return session.scalars(everywhere(Tenant).where(Tenant.id == tenant_id)).one().wrapped_key


@pytest.fixture
def picture_bytes(astronaut: np.ndarray) -> bytes:
    return jpeg(astronaut[:256, 128:384])


@pytest.fixture
def picture(astronaut: np.ndarray, asset: dict[str, Any]) -> np.ndarray:
    return astronaut[:256, 128:384]


def test_radii_decide_between_ours_candidate_and_not_ours(
    client: TestClient, brand: Brand, picture: np.ndarray, asset: dict[str, Any]
) -> None:
    code = fingerprint.pdq(picture)[0][0].tobytes()
    hashes = [{"pdq": flipped(code, bits).hex()} for bits in (0, 20, 31, 60)] + [{"pdq": secrets.token_hex(32)}]
    results = ask(client, brand.uploader, *hashes)
    assert [item["result"] for item in results] == ["ours", "ours", "ours", "candidate", "not_ours"]
    assert [item["asset_id"] for item in results] == [asset["id"]] * 3 + [None] * 2
    assert results[2]["distance_bits"] <= 31


def test_mirrored_and_turned_pictures_are_found(client: TestClient, brand: Brand, astronaut: np.ndarray) -> None:
    brand.upload(jpeg(astronaut))
    turned = [np.ascontiguousarray(p) for p in (astronaut[:, ::-1], np.rot90(astronaut), np.rot90(astronaut, 2))]
    hashes = [{"pdq": fingerprint.pdq(p)[0][0].tobytes().hex()} for p in turned]
    assert {item["result"] for item in ask(client, brand.flagger, *hashes)} == {"ours"}


def test_short_hashes_are_understood_too(client: TestClient, brand: Brand, picture: np.ndarray) -> None:
    hashes = [{"phash": fingerprint.phash(picture).hex()}, {"dhash": fingerprint.dhash(picture).hex()}]
    assert [item["result"] for item in ask(client, brand.flagger, *hashes)] == ["ours", "ours"]


def test_what_cannot_be_read_is_not_called_not_ours(client: TestClient, brand: Brand, picture: np.ndarray) -> None:
    code = fingerprint.pdq(picture)[0][0].tobytes().hex()
    flat = [{"pdq": code, "quality": quality} for quality in (0, 3)] + [{"pdq": "0" * 64}, {"pdq": "f" * 64}]
    results = ask(client, brand.flagger, {"pdq": "zz"}, {"pdq": "00"}, {"phash": "0" * 64}, *flat)
    assert {item["result"] for item in results} == {"unreadable"}


def test_badly_made_questions_are_refused(client: TestClient, brand: Brand) -> None:
    for hashes in ([], [{}], [{"pdq": "0" * 64, "phash": "0" * 16}], [{"pdq": "0" * 64}] * 501):
        answer = client.post("/v1/lookup", json={"hashes": hashes}, headers=brand.flagger)
        assert answer.status_code == 422


def test_flaggers_learn_ours_and_the_embargo_and_nothing_else(
    client: TestClient, brand: Brand, astronaut: np.ndarray
) -> None:
    brand.upload(jpeg(astronaut[:200, 100:300]), embargo_until="2030-01-01T12:00:00+02:00")
    found = ask(client, brand.flagger, {"pdq": fingerprint.pdq(astronaut[:200, 100:300])[0][0].tobytes().hex()})[0]
    told = {name: value for name, value in found.items() if value is not None}
    assert told == {"result": "ours", "embargo_until": "2030-01-01T10:00:00Z", "embargoed": True}


def test_an_embargo_ends_with_its_hour(client: TestClient, brand: Brand, astronaut: np.ndarray) -> None:
    hash_ = {"pdq": fingerprint.pdq(astronaut[:200, 100:300])[0][0].tobytes().hex()}
    brand.upload(jpeg(astronaut[:200, 100:300]), embargo_until=(now() + timedelta(hours=1)).isoformat())
    assert ask(client, brand.flagger, hash_)[0]["embargoed"] is True
    with patch("service.lookups.service.now", lambda: now() + timedelta(hours=1, seconds=1)):
        assert ask(client, brand.flagger, hash_)[0]["embargoed"] is False


def test_a_deleted_asset_is_gone_with_the_answer_to_its_deletion(
    client: TestClient, brand: Brand, picture: np.ndarray, asset: dict[str, Any]
) -> None:
    hash_ = {"pdq": fingerprint.pdq(picture)[0][0].tobytes().hex()}
    assert ask(client, brand.flagger, hash_)[0]["result"] == "ours"
    client.delete(f"/v1/assets/{asset['id']}", params={"confirm": asset["title"]}, headers=brand.uploader)
    assert ask(client, brand.flagger, hash_)[0] == {**dict.fromkeys(LookupAnswer.model_fields), "result": "not_ours"}


def test_a_page_of_pictures_takes_two_searches_and_one_query_and_one_insert(
    client: TestClient, brand: Brand, context: Context, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = fingerprint.pdq(picture)[0][0].tobytes()
    hashes = [{"pdq": (flipped(code, 9, n) if n % 3 else secrets.token_bytes(32)).hex()} for n in range(500)]
    ask(client, brand.flagger, hashes[0])
    searches, statements = [], []
    search = context.lookups._engine.search
    monkeypatch.setattr(
        context.lookups._engine, "search", lambda *a, **k: searches.append(a) or search(*a, **k), raising=False
    )
    monkeypatch.setattr(context.lookups, "_fresh_until", float("inf"))

    def listen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement.split()[0])

    sa.event.listen(context.database.engine, "before_cursor_execute", listen)
    results = ask(client, brand.flagger, *hashes)
    sa.event.remove(context.database.engine, "before_cursor_execute", listen)
    assert [item["result"] for item in results] == ["ours" if n % 3 else "not_ours" for n in range(500)]
    assert [len(codes) for _, codes in searches] == [500, 167]  # far and wide only for what is not near
    assert statements.count("INSERT") == 1
    assert statements.count("SELECT") == 2  # whose token, which assets


def test_unknown_and_foreign_pictures_take_the_same_steps(
    client: TestClient, brand: Brand, other_brand: Brand, context: Context, picture: np.ndarray, asset: dict[str, Any]
) -> None:
    foreign = {"pdq": fingerprint.pdq(picture)[0][0].tobytes().hex()}
    unknown = {"pdq": secrets.token_hex(32)}
    steps: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        steps.append(statement)

    taken = []
    context.lookups._fresh_until = float("inf")
    sa.event.listen(context.database.engine, "before_cursor_execute", listen)
    for question in (foreign, unknown):
        steps.clear()
        taken.append((ask(client, other_brand.investigator, question), list(steps)))
    sa.event.remove(context.database.engine, "before_cursor_execute", listen)
    assert taken[0] == taken[1]
    assert taken[0][0][0]["result"] == "not_ours"


def test_hashes_are_counted_not_only_requests(settings: Settings, pool: PixelPool) -> None:
    from service.app import create_app

    limited: FastAPI = create_app(settings.model_copy(update={"lookup_limit": "600/minute"}), pool=pool)
    with TestClient(limited) as client:
        brand, rival = new_brand(client), new_brand(client, "Rival")
        page = {"hashes": [{"pdq": secrets.token_hex(32)}] * 300}
        statuses = [client.post("/v1/lookup", json=page, headers=brand.flagger).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert client.post("/v1/lookup", json=page, headers=brand.investigator).status_code == 200
        assert client.post("/v1/lookup", json=page, headers=rival.flagger).status_code == 200


def test_only_hits_leave_a_trace(
    client: TestClient, brand: Brand, context: Context, picture: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stranger = secrets.token_hex(32)
    ours = {"pdq": fingerprint.pdq(picture)[0][0].tobytes().hex()}
    logging.getLogger("sqlalchemy.engine").setLevel(logging.INFO)  # every statement with its values
    before = len(events(context))
    again = {**brand.flagger, "Idempotency-Key": "one"}
    for headers in (brand.flagger, again):
        client.post("/v1/lookup", json={"hashes": [{"pdq": stranger}]}, headers=headers)
    assert len(events(context)) == before
    ask(client, brand.flagger, {"pdq": stranger}, ours)
    logging.getLogger("sqlalchemy.engine").setLevel(logging.NOTSET)
    hits = events(context)[before:]
    assert [(event.kind, event.detail["distance_bits"]) for event in hits] == [("lookup.hit", 0)]
    context.database.engine.dispose()
    question = f'{{"hashes":[{{"pdq":"{stranger}"}}]}}'.encode()
    traces = (stranger.encode(), bytes.fromhex(stranger), hashlib.sha256(question).hexdigest().encode())
    kept = [path for path in context.settings.data_dir.rglob("*") if path.is_file()]
    assert {path.name for path in kept} >= {"service.sqlite"}
    for path in kept:
        assert not any(trace in path.read_bytes() for trace in traces), path
    assert stranger not in caplog.text


def events(context: Context) -> list[Event]:
    with context.database.reading() as session:
        return list(session.scalars(everywhere(Event).order_by(Event.id)))


def test_a_crop_is_found_by_its_local_features(
    client: TestClient, brand: Brand, asset: dict[str, Any], picture: np.ndarray
) -> None:
    crop = {"file": ("a.jpg", jpeg(picture[60:220, 40:200], quality=80))}
    found = client.post("/v1/lookup/image", files=crop, headers=brand.investigator).json()
    assert (found["result"], found["asset_id"]) == ("ours", asset["id"])
    assert found["inliers"] >= 10


def test_another_process_sees_new_and_removed_assets(
    client: TestClient, brand: Brand, context: Context, asset: dict[str, Any]
) -> None:
    other = LookupIndex(context.database, context.vault, EmbeddedEngine(context.database))
    assert other.count(brand.id) == 8
    second = brand.upload(jpeg(np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)), title="2")
    other.refresh(force=True)
    assert other.count(brand.id) == 16
    client.delete(f"/v1/assets/{second['id']}", params={"confirm": "2"}, headers=brand.uploader)
    other.refresh(force=True)
    assert other.count(brand.id) == 8
    assert LookupIndex(context.database, context.vault, EmbeddedEngine(context.database)).count(brand.id) == 8


def test_a_small_crop_is_found_by_a_closer_look(client: TestClient, brand: Brand, astronaut: np.ndarray) -> None:
    asset = brand.upload(jpeg(astronaut), title="Suit")
    height, width = astronaut.shape[:2]
    corner = astronaut[height // 2 : height // 2 + height // 4, width // 3 : width // 3 + width // 4]
    crop = {"file": ("a.jpg", jpeg(np.ascontiguousarray(corner), quality=85))}
    found = client.post("/v1/lookup/image", files=crop, headers=brand.investigator).json()
    assert (found["result"], found["asset_id"]) == ("ours", asset["id"])


def test_details_are_read_by_their_own_brand_and_until_the_asset_is_deleted(
    client: TestClient, brand: Brand, other_brand: Brand, context: Context, asset: dict[str, Any]
) -> None:
    own, foreign = (details_of(context, tenant_id=one.id) for one in (brand, other_brand))
    assert own(asset["id"]) is not None
    assert foreign(asset["id"]) is None
    client.delete(f"/v1/assets/{asset['id']}", params={"confirm": asset["title"]}, headers=brand.uploader)
    assert own(asset["id"]) is None


def spoil(context: Context, asset_id: str, data: bytes) -> None:
    """Put other bytes in the place of an asset's local features, as an older version may have left them."""
    with context.database.writing() as session:
        row = session.scalars(everywhere(Landmarks).where(Landmarks.asset_id == asset_id)).one()
        row.data = data
        context.blobs.delete(f"{row.tenant_id}/{asset_id}/{DETAILS}")


@pytest.mark.parametrize("sealed", [True, False])
def test_local_features_that_cannot_be_read_are_made_anew_at_the_next_start(
    settings: Settings, pool: PixelPool, picture_bytes: bytes, sealed: bool
) -> None:
    from service.app import create_app

    crop = {"file": ("a.jpg", picture_bytes)}
    with TestClient(create_app(settings, pool=pool)) as client:
        brand = new_brand(client)
        asset, other = brand.upload(picture_bytes), brand.upload(NOISE, title="2")
        context: Context = client.app.state.context  # type: ignore[attr-defined]
        own = context.vault.tenant(brand.id, wrapped_key(context, brand.id))
        old = own.seal(b"TLM1 of long ago", place=f"asset/{asset['id']}/landmarks") if sealed else b"torn"
        spoil(context, asset["id"], old)
        restarted = LookupIndex(context.database, context.vault, EmbeddedEngine(context.database))
        assert restarted.count(brand.id) == 16
        assert restarted.unreadable() == [asset["id"]]
    with TestClient(create_app(settings, pool=pool)) as client:
        context = client.app.state.context  # type: ignore[attr-defined]
        deadline = time.monotonic() + 60
        while context.lookups.unreadable() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert context.lookups.unreadable() == []
        assert details_of(context, tenant_id=brand.id)(asset["id"]) is not None
        found = client.post("/v1/lookup/image", files=crop, headers=brand.investigator).json()
        assert (found["result"], found["asset_id"]) == ("ours", asset["id"])
        assert found["inliers"] >= 10
        assert other["id"] != asset["id"]


def test_unknown_and_foreign_pictures_get_the_same_answer_to_the_byte(
    client: TestClient, brand: Brand, other_brand: Brand, picture: np.ndarray, asset: dict[str, Any]
) -> None:
    foreign, unknown = fingerprint.pdq(picture)[0][0].tobytes().hex(), secrets.token_hex(32)
    answers = [
        client.post("/v1/lookup", json={"hashes": [{"pdq": code}]}, headers=other_brand.investigator)
        for code in (foreign, unknown)
    ]
    files = [{"file": ("a.jpg", data)} for data in (jpeg(picture), NOISE)]
    answers += [client.post("/v1/lookup/image", files=f, headers=other_brand.investigator) for f in files]
    hashes, pictures = answers[:2], answers[2:]
    for one, other in (hashes, pictures):
        assert one.content == other.content
        assert one.headers.keys() == other.headers.keys()
    routes = [client.get(f"/v1/assets/{one}", headers=other_brand.investigator) for one in (asset["id"], "ast_unknown")]
    assert [route.status_code for route in routes] == [404, 404]
    assert routes[0].content.replace(asset["id"].encode(), b"ast_unknown") == routes[1].content


def test_colourways_within_a_hashs_radius_are_all_named(
    client: TestClient, brand: Brand, picture: np.ndarray, asset: dict[str, Any]
) -> None:
    sibling = brand.upload(jpeg(np.ascontiguousarray(picture[..., ::-1])), title="in other colours")
    code = fingerprint.pdq(picture)[0][0].tobytes()
    told = ask(client, brand.investigator, {"pdq": code.hex()})[0]
    assert told["asset_id"] == asset["id"]
    assert told["other_asset_ids"] == [sibling["id"]]
    assert ask(client, brand.flagger, {"pdq": code.hex()})[0]["other_asset_ids"] is None
    unknown = ask(client, brand.investigator, {"pdq": secrets.token_hex(32)})[0]
    assert unknown["other_asset_ids"] is None


def test_a_picture_that_matches_nothing_leaves_no_trace(
    client: TestClient, brand: Brand, context: Context, asset: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    before = events(context)
    kept = {path for path in context.settings.data_dir.rglob("*") if path.is_file()}
    found = client.post("/v1/lookup/image", files={"file": ("secret name.jpg", NOISE)}, headers=brand.flagger).json()
    assert found["result"] == "not_ours"
    assert len(events(context)) == len(before)
    added = {path for path in context.settings.data_dir.rglob("*") if path.is_file()} - kept
    assert not [path for path in added if "sqlite" not in path.name]
    assert "secret name" not in caplog.text
    assert hashlib.sha256(NOISE).hexdigest() not in caplog.text


def test_a_picture_without_key_points_is_found_on_a_page(client: TestClient, brand: Brand) -> None:
    plain = np.full((300, 400, 3), (10, 30, 90), np.uint8)
    cv2.fillPoly(plain, [np.int32([[0, 140], [220, 90], [220, 300], [0, 300]])], (0, 85, 115))
    cv2.fillPoly(plain, [np.int32([[220, 90], [400, 150], [400, 300], [220, 300]])], (215, 243, 228))
    asset = brand.upload(jpeg(plain))
    page = np.full((800, 1100, 3), 255, np.uint8)
    page[200:500, 300:700] = plain
    answer = client.post(
        "/v1/lookup/image", files={"file": ("page.jpg", jpeg(page), "image/jpeg")}, headers=brand.uploader
    )
    assert (answer.json()["result"], answer.json()["asset_id"]) == ("ours", asset["id"])
    assert answer.json()["inliers"] is None


def test_a_page_of_hits_does_not_read_every_asset_of_the_brand(context: Context, brand: Brand) -> None:
    caller = Principal("caller", brand.id, frozenset(), "caller")
    with context.database.reading() as session:
        query = scoped(session, Asset, caller).where(Asset.id.in_(["ast_1", "ast_2"]))
        statement = query.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
        steps = [row.detail for row in session.execute(sa.text(f"EXPLAIN QUERY PLAN {statement}"))]
    assert steps == ["SEARCH assets USING INDEX ix_assets_tenant_id_id (tenant_id=? AND id=?)"]
