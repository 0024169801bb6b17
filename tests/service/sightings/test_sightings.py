"""Sightings: bad files are refused, progress is told, nothing below the gate is stored."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from conftest import Brand, jpeg
from fastapi.testclient import TestClient
from PIL import Image

from service.context import Context
from service.db import everywhere
from service.sightings.models import TRANSITIONS, NamedCopy, Sighting, SightingState


@pytest.fixture
def issued(brand: Brand, asset: dict[str, Any]) -> dict[str, Any]:
    brand.import_recipients(5)
    brand.issue(asset["id"])
    return asset


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "undecodable-image"), (b"no picture" * 9, "undecodable-image"), (None, "image-too-small")]
)
def test_what_is_no_picture_is_refused_at_once(client: TestClient, brand: Brand, data: bytes | None, code: str) -> None:
    body = jpeg(np.zeros((1, 1, 3), np.uint8)) if data is None else data
    answer = client.post("/v1/sightings", files={"picture": ("x", body)}, headers=brand.flagger)
    assert answer.status_code == 422
    assert answer.json()["type"] == f"urn:telltale:problem:{code}"
    assert answer.json()["hint"]
    assert client.get("/healthz").json()["ok"]


def test_a_truncated_picture_fails_with_a_reason(brand: Brand, astronaut: np.ndarray) -> None:
    sighting = brand.report(jpeg(astronaut)[:30_000])
    assert sighting["state"] == "failed"
    assert "ends before" in sighting["problem"]
    assert sighting["hint"]


def test_a_bad_page_address_is_refused(client: TestClient, brand: Brand, astronaut: np.ndarray) -> None:
    picture = {"picture": ("x.jpg", jpeg(astronaut[:64, :64]))}
    answer = client.post(
        "/v1/sightings", data={"page_url": "javascript:alert(1)"}, files=picture, headers=brand.flagger
    )
    assert answer.status_code == 422


def test_cmyk_animated_and_transparent_leaks_are_read(client: TestClient, brand: Brand, issued: dict[str, Any]) -> None:
    copy = brand.copies(issued["id"])[2]
    marked = Image.open(io.BytesIO(client.get(copy["file"], headers=brand.uploader).content))
    out = io.BytesIO()
    marked.save(out, "WEBP", lossless=True, save_all=True, append_images=[marked.rotate(90)])
    sighting = brand.report(out.getvalue())
    assert [named["copy_id"] for named in sighting["named"]] == [copy["id"]]


def test_below_the_gate_no_serial_is_stored_or_shown(
    client: TestClient, brand: Brand, issued: dict[str, Any], context: Context, astronaut: np.ndarray
) -> None:
    sighting = brand.report(jpeg(astronaut[:256, 128:384], quality=60))
    assert (sighting["outcome"], sighting["named"], sighting["alternatives"]) == ("inconclusive", [], None)
    with context.database.reading() as session:
        row = session.scalars(everywhere(Sighting)).one()
        assert row.verdict is not None
        assert row.verdict["named"] == []
        assert not {"serial", "ranked", "score"} & set(json.dumps(row.verdict).replace('"', " ").split())
        assert list(session.scalars(everywhere(NamedCopy))) == []


def test_a_picture_can_be_traced_against_an_asset_that_the_look_up_misses(
    client: TestClient, brand: Brand, issued: dict[str, Any], context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.sightings.work.recognise_picture", lambda *args, **kwargs: [])
    copy = brand.copies(issued["id"])[1]
    file = client.get(copy["file"], headers=brand.uploader).content
    assert brand.report(file)["outcome"] == "not_ours"
    sighting = brand.report(file, asset_id=issued["id"])
    assert (sighting["outcome"], sighting["ours"]) == ("copy_named", True)


def test_an_unrelated_picture_traced_against_an_asset_is_inconclusive(brand: Brand, issued: dict[str, Any]) -> None:
    from skimage import data

    sighting = brand.report(jpeg(np.asarray(data.chelsea())), asset_id=issued["id"])
    assert (sighting["outcome"], sighting["named"]) == ("inconclusive", [])
    assert sighting["ours"] is None
    assert sighting["reason"]


def test_an_asset_without_copies_names_nobody(brand: Brand, asset: dict[str, Any], astronaut: np.ndarray) -> None:
    sighting = brand.report(jpeg(astronaut[:256, 128:384]))
    assert sighting["outcome"] == "inconclusive"
    assert "No copy" in sighting["reason"]


def test_pictures_of_a_trace_are_for_investigators_and_small(
    client: TestClient, brand: Brand, issued: dict[str, Any], astronaut: np.ndarray
) -> None:
    big = np.repeat(np.repeat(astronaut[:256, 128:384], 3, axis=0), 3, axis=1)
    sighting = brand.report(jpeg(big))
    for name in ("leak.jpg", "heatmap.png"):
        assert client.get(f"/v1/sightings/{sighting['id']}/{name}", headers=brand.flagger).status_code == 403
    leak = client.get(f"/v1/sightings/{sighting['id']}/leak.jpg", headers=brand.investigator)
    assert max(Image.open(io.BytesIO(leak.content)).size) == 480


@pytest.mark.parametrize("state", SightingState)
def test_states_follow_their_table(state: SightingState) -> None:
    for to in SightingState:
        sighting = Sighting(state=state.value)
        if to is state or to in TRANSITIONS[state]:
            sighting.advance(to)
        else:
            with pytest.raises(ValueError, match="cannot go"):
                sighting.advance(to)


def test_provenance_is_paged_in_order_of_time(client: TestClient, brand: Brand, issued: dict[str, Any]) -> None:
    whole = client.get(f"/v1/provenance?asset={issued['id']}", headers=brand.investigator).json()
    kinds = [entry["kind"] for entry in whole["items"]]
    assert kinds == ["asset.received", "asset.ready", *["copy.issued"] * 5, "copies.released"]
    second = client.get(f"/v1/provenance?asset={issued['id']}&limit=2&offset=2", headers=brand.investigator).json()
    assert second["items"] == whole["items"][2:4]
    for query in ("", "?asset=a&copy=b"):
        assert client.get(f"/v1/provenance{query}", headers=brand.investigator).status_code == 422
