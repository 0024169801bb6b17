"""The main job over HTTP: upload, import, issue, download, leak, trace."""

from __future__ import annotations

import io

import numpy as np
from conftest import Brand, jpeg, new_brand
from fastapi.testclient import TestClient
from PIL import Image

from service.app import create_app
from service.jobs.pool import PixelPool
from service.settings import Settings


def test_a_cropped_and_recompressed_copy_is_named(brand: Brand, client: TestClient, astronaut: np.ndarray) -> None:
    asset = brand.upload(jpeg(astronaut), title="Astronaut", embargo_until="2030-01-01T00:00:00Z")
    assert (asset["state"], asset["progress"], asset["format"]) == ("ready", 1.0, "JPEG")
    brand.import_recipients(50)
    assert brand.issue(asset["id"]).items() >= {"issued": 50, "existing": 0, "total": 50}.items()

    seventh = brand.copies(asset["id"])[6]
    assert (seventh["serial"], seventh["alias"]) == (7, "Press 00007")
    file = client.get(seventh["file"], headers=brand.uploader)
    assert file.headers["content-type"] == "image/jpeg"
    leak = np.asarray(Image.open(io.BytesIO(file.content)))[60:420, 50:400]

    sighting = brand.report(jpeg(leak, quality=70), page_url="https://forum.example/1", notes="seen at noon")
    assert (sighting["outcome"], sighting["ours"]) == ("copy_named", True)
    assert [named["copy_id"] for named in sighting["named"]] == [seventh["id"]]
    named = sighting["named"][0]
    assert named["log10_false_accusation"] < -9
    assert named["statement"] == "The picture shows copy 0007, issued to Press 00007."
    assert len(sighting["alternatives"]) >= 3
    assert 0.2 < sighting["coverage"] < 0.8

    heat = client.get(sighting["heat_map"], headers=brand.investigator)
    assert Image.open(io.BytesIO(heat.content)).size[0] == 960
    small = Image.open(io.BytesIO(client.get(sighting["leak"], headers=brand.investigator).content))
    assert max(small.size) <= 480

    trail = client.get(f"/v1/provenance?copy={seventh['id']}", headers=brand.investigator).json()["items"]
    assert [entry["kind"] for entry in trail] == ["copy.issued", "copy.downloaded", "copy.named"]
    assert trail[2]["sighting"]["page_url"] == "https://forum.example/1"
    assert trail == sorted(trail, key=lambda entry: entry["at"])


def test_an_unmarked_picture_of_ours_names_nobody(brand: Brand, client: TestClient, astronaut: np.ndarray) -> None:
    asset = brand.upload(jpeg(astronaut))
    brand.import_recipients(20)
    brand.issue(asset["id"])
    sighting = brand.report(jpeg(astronaut[40:400, 60:420], quality=80))
    assert (sighting["outcome"], sighting["ours"], sighting["named"]) == ("inconclusive", True, [])
    assert sighting["reason"]
    assert sighting["hint"]
    assert "serial" not in client.get(f"/v1/sightings/{sighting['id']}", headers=brand.investigator).text


def test_somebody_elses_picture_is_not_ours(brand: Brand, asset: dict[str, str]) -> None:
    from skimage import data

    sighting = brand.report(jpeg(np.asarray(data.chelsea())))
    assert (sighting["outcome"], sighting["ours"]) == ("not_ours", False)
    assert sighting["hint"]


def test_the_durable_engine_does_the_same_job(settings: Settings, pool: PixelPool, astronaut: np.ndarray) -> None:
    durable = settings.model_copy(update={"jobs_url": f"sqlite:///{settings.data_dir / 'jobs.sqlite'}"})
    with TestClient(create_app(durable, pool=pool)) as client:
        brand = new_brand(client)
        asset = brand.upload(jpeg(astronaut[:256, 128:384]))
        brand.import_recipients(3)
        brand.issue(asset["id"])
        copy = brand.copies(asset["id"])[1]
        sighting = brand.report(client.get(copy["file"], headers=brand.uploader).content)
        assert [named["copy_id"] for named in sighting["named"]] == [copy["id"]]
    stored = b"".join(path.read_bytes() for path in durable.data_dir.glob("jobs.sqlite*"))
    assert asset["id"].encode() in stored
    assert b"Press" not in stored
