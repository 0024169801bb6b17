"""Look-ups: exact, kept apart by brand, told by role, and silent about what is not ours."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np
import pytest
from conftest import Brand, jpeg
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from service.context import Context
from service.db import everywhere
from service.events.models import Event
from service.lookups.engine import ExactEngine, Hit, LookupEngine
from service.lookups.index import LookupIndex
from watermark import fingerprint

ENGINES = [ExactEngine]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> LookupEngine:
    made: LookupEngine = request.param()
    return made


def flipped(code: bytes, bits: int) -> bytes:
    array = np.unpackbits(np.frombuffer(code, np.uint8))
    array[np.random.default_rng(bits).choice(array.size, bits, replace=False)] ^= 1
    return np.packbits(array).tobytes()


@pytest.mark.parametrize("length", [8, 32])
def test_an_engine_finds_exactly_what_lies_within_the_radius(engine: LookupEngine, length: int) -> None:
    rng = np.random.default_rng(2)
    codes = [rng.bytes(length) for _ in range(300)]
    for number, code in enumerate(codes):
        engine.add("shelf", f"ast_{number // 2}", code)
    query = flipped(codes[10], 5)
    radius = length * 3
    expected: dict[str, int] = {}
    for number, code in enumerate(codes):
        distance = (int.from_bytes(code) ^ int.from_bytes(query)).bit_count()
        if distance <= radius:
            asset = f"ast_{number // 2}"
            expected[asset] = min(distance, expected.get(asset, distance))
    found = engine.search("shelf", query, radius)
    assert {hit.asset_id: hit.distance for hit in found} == expected
    assert found[0] == Hit("ast_5", 5)
    assert engine.count("shelf") == 300


def test_an_engine_forgets_removed_assets_and_keeps_shelves_apart(engine: LookupEngine) -> None:
    code = bytes(32)
    for shelf in ("one", "two"):
        engine.add(shelf, f"ast_{shelf}", code)
    assert [hit.asset_id for hit in engine.search("one", code, 0)] == ["ast_one"]
    engine.remove("ast_one")
    assert engine.search("one", code, 256) == []
    assert engine.count("two") == 1
    engine.clear()
    assert engine.search("two", code, 256) == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(min_size=8, max_size=8), min_size=1, max_size=60), st.integers(0, 20))
def test_the_exact_engine_equals_counting_bits(codes: list[bytes], radius: int) -> None:
    engine = ExactEngine()
    for number, code in enumerate(codes):
        engine.add("s", str(number), code)
    near = {str(n) for n, c in enumerate(codes) if (int.from_bytes(c) ^ int.from_bytes(codes[0])).bit_count() <= radius}
    assert {hit.asset_id for hit in engine.search("s", codes[0], radius)} == near


def ask(client: TestClient, headers: dict[str, str], *hashes: dict[str, Any]) -> list[dict[str, Any]]:
    answer = client.post("/v1/lookup", json={"hashes": list(hashes)}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


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
    flat = {"pdq": fingerprint.pdq(picture)[0][0].tobytes().hex(), "quality": 3}
    results = ask(client, brand.flagger, {"pdq": "zz"}, {"pdq": "00"}, {"phash": "0" * 64}, flat)
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
    assert told == {"result": "ours", "embargo_until": "2030-01-01T10:00:00Z"}


def test_only_hits_leave_a_trace(
    client: TestClient, brand: Brand, context: Context, picture: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = secrets.token_hex(32)
    ask(client, brand.flagger, {"pdq": stranger}, {"pdq": fingerprint.pdq(picture)[0][0].tobytes().hex()})
    with context.database.reading() as session:
        hits = [event for event in session.scalars(everywhere(Event)) if event.kind == "lookup.hit"]
    assert len(hits) == 1
    context.database.engine.dispose()
    stored = b"".join(path.read_bytes() for path in context.settings.data_dir.glob("service.sqlite*"))
    assert stranger.encode() not in stored
    assert bytes.fromhex(stranger) not in stored
    assert stranger not in caplog.text


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
    other = LookupIndex(context.database, context.vault, ExactEngine())
    assert other.count(brand.id) == 8
    second = brand.upload(jpeg(np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)), title="2")
    other.refresh(force=True)
    assert other.count(brand.id) == 16
    client.delete(f"/v1/assets/{second['id']}", params={"confirm": "2"}, headers=brand.uploader)
    other.refresh(force=True)
    assert other.count(brand.id) == 8
    assert LookupIndex(context.database, context.vault, ExactEngine()).count(brand.id) == 8
