"""An asset whose copies could not be told apart is held, and goes out only by the uploader's own word."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from conftest import Brand
from fastapi.testclient import TestClient
from PIL import Image

from service.assets import pixels
from service.assets.models import Asset, AssetState
from service.assets.pixels import Certified
from service.context import Context
from service.db import everywhere


def png(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG")
    return out.getvalue()


FLAT = png(np.full((160, 200, 3), 128, np.uint8))


@pytest.fixture
def held(brand: Brand) -> dict[str, Any]:
    asset = brand.upload(FLAT, title="Grey card")
    assert asset["state"] == "held", asset
    return asset


def test_a_ready_asset_shows_what_its_copies_survive_and_where_they_carry(
    client: TestClient, brand: Brand, other_brand: Brand, asset: dict[str, Any]
) -> None:
    certificate = asset["certificate"]
    assert (certificate["passed"], certificate["reason"]) == (True, None)
    rungs = {rung["name"]: rung for rung in certificate["rungs"]}
    assert rungs["JPEG quality 30"]["required"]
    assert rungs["JPEG quality 30"]["survives"]
    assert rungs["JPEG quality 30"]["log10_bound"] < -9
    assert all(rung["survives"] for rung in rungs.values() if rung["required"])
    for headers in (brand.uploader, brand.investigator):
        picture = Image.open(io.BytesIO(client.get(asset["carries"], headers=headers).content))
        assert (picture.mode, max(picture.size)) == ("RGBA", 960)
        assert np.asarray(picture)[..., 3].max() > 100
    assert client.get(asset["carries"], headers=brand.flagger).status_code == 403
    assert client.get(asset["carries"], headers=other_brand.uploader).status_code == 404


def test_a_held_asset_says_why_and_issues_nothing(client: TestClient, brand: Brand, held: dict[str, Any]) -> None:
    assert held["problem"] == held["certificate"]["reason"]
    assert held["hint"]
    assert not held["certificate"]["passed"]
    brand.import_recipients(1)
    for answer in (
        client.post(f"/v1/assets/{held['id']}/copies", json={"recipients": "all"}, headers=brand.uploader),
        client.get(f"/v1/assets/{held['id']}/preview", headers=brand.uploader),
    ):
        assert answer.status_code == 409
        body = answer.json()
        assert body["type"] == "urn:telltale:problem:asset-held"
        assert (body["state"], body["reason"]) == ("held", held["problem"])
        assert "release it knowingly" in body["hint"]
    assert client.get(f"/v1/assets/{held['id']}", headers=brand.uploader).json()["copies"] == 0
    assert client.get(held["carries"], headers=brand.uploader).status_code == 200


def test_releasing_needs_the_title_and_is_recorded(client: TestClient, brand: Brand, held: dict[str, Any]) -> None:
    path = f"/v1/assets/{held['id']}/release"
    wrong = client.post(path, json={"confirm": "Grey"}, headers=brand.uploader)
    assert (wrong.status_code, wrong.json()["type"]) == (422, "urn:telltale:problem:release-not-confirmed")
    assert client.post(path, json={"confirm": "Grey card"}, headers=brand.investigator).status_code == 403
    done = client.post(path, json={"confirm": " Grey  card "}, headers=brand.uploader)
    assert (done.status_code, done.json()["state"], done.json()["problem"]) == (200, "ready", None)
    assert not done.json()["certificate"]["passed"], "the certificate stays what was measured"
    again = client.post(path, json={"confirm": "Grey card"}, headers=brand.uploader)
    assert (again.status_code, again.json()["type"]) == (409, "urn:telltale:problem:asset-not-held")

    trail = client.get(f"/v1/provenance?asset={held['id']}", headers=brand.investigator).json()["items"]
    assert [entry["kind"] for entry in trail] == ["asset.received", "asset.held", "asset.released"]
    assert trail[1]["principal_id"] is None
    assert trail[2]["principal_id"].startswith("tok_")
    assert "JPEG quality 30" in trail[2]["detail"]["rungs"]
    assert trail[2]["detail"]["reason"] == held["problem"]

    brand.import_recipients(2)
    brand.issue(held["id"])
    copies = brand.copies(held["id"])
    assert [copy["state"] for copy in copies] == ["released", "released"]
    assert client.get(copies[0]["file"], headers=brand.uploader).status_code == 200


def test_a_step_that_runs_again_measures_nothing_twice(
    brand: Brand, context: Context, asset: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from service.assets import work

    with context.database.writing() as session:
        session.scalars(everywhere(Asset)).one().state = AssetState.PREPARING.value
    monkeypatch.setattr(context.pool, "run", None)
    work.certify(context, asset["id"])


def test_a_certificate_decides_whatever_measured_it(
    brand: Brand, context: Context, asset: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from service.assets import work

    rung = {"name": "rain", "score": 1.0, "log10_bound": 0.0, "required": True, "survives": False}
    weak = {"passed": False, "reason": "Rain.", "hint": "An umbrella.", "rungs": [rung]}
    with context.database.writing() as session:
        row = session.scalars(everywhere(Asset)).one()
        row.state, row.certificate = AssetState.PREPARING.value, None

    def measured(function: object, master: bytes) -> Certified:
        assert function is pixels.certify
        assert master
        return Certified(weak, b"")

    monkeypatch.setattr(context.pool, "run", measured)
    work.certify(context, asset["id"])
    work.finish(context, asset["id"])
    shown = brand.settled(f"/v1/assets/{asset['id']}")
    assert (shown["state"], shown["problem"], shown["hint"]) == ("held", "Rain.", "An umbrella.")
    with context.database.reading() as session:
        assert work.unfinished(session) == []
