"""Uploading: what is fit becomes ready, what is not is refused or fails with a reason, and the service goes on."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from conftest import Brand, jpeg
from fastapi.testclient import TestClient
from PIL import Image

from service.assets.models import TRANSITIONS, Asset, AssetState
from service.context import Context
from service.copies.models import Copy

NOISE = np.random.default_rng(1).integers(0, 256, (200, 240, 3), dtype=np.uint8)


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def header_only() -> bytes:
    head = b"IHDR" + struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head)) + bytes(99))[:100]


def moving(kind: str) -> bytes:
    frames = [Image.fromarray(np.roll(NOISE, k, axis=0)) for k in range(3)]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:])


UNFIT = {
    "not an image": (b"hello " * 40, "undecodable-image"),
    "empty": (b"", "undecodable-image"),
    "1x1": (saved(Image.fromarray(NOISE[:1, :1]), "PNG"), "image-too-small"),
    "40,000 x 40,000 in 100 bytes": (header_only(), "image-too-large"),
    "gif": (moving("GIF"), "animated-image"),
    "apng": (moving("PNG"), "animated-image"),
    "animated webp": (moving("WEBP"), "animated-image"),
    "bmp": (saved(Image.fromarray(NOISE), "BMP"), "unsupported-format"),
    "float": (saved(Image.fromarray(NOISE[..., 0].astype(np.float32)), "TIFF"), "unsupported-pixel-format"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_an_unfit_original_is_refused_at_once_and_the_service_goes_on(
    client: TestClient, brand: Brand, name: str
) -> None:
    data, code = UNFIT[name]
    answer = client.post("/v1/assets", data={"title": "x"}, files={"file": ("a", data)}, headers=brand.uploader)
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] == f"urn:telltale:problem:{code}"
    assert answer.json()["hint"]
    assert client.get("/v1/assets", headers=brand.uploader).json()["total"] == 0
    assert client.get("/healthz").json()["ok"]


def test_a_truncated_original_fails_with_a_reason(brand: Brand) -> None:
    failed = brand.upload(jpeg(NOISE)[:9000])
    assert failed["state"] == "failed"
    assert "ends before" in failed["problem"]
    assert failed["hint"]
    assert failed["progress"] < 1


def test_an_asset_needs_a_title_and_a_file(client: TestClient, brand: Brand) -> None:
    file = {"file": ("a.jpg", jpeg(NOISE))}
    for data, files in (({}, file), ({"title": "  "}, file), ({"title": "x" * 301}, file), ({"title": "x"}, None)):
        answer = client.post("/v1/assets", data=data, files=files, headers=brand.uploader)
        assert answer.status_code == 422
        assert answer.json()["hint"]


def test_an_embargo_needs_a_time_zone(client: TestClient, brand: Brand) -> None:
    fields = {"title": "x", "embargo_until": "2030-01-01T12:00:00"}
    answer = client.post("/v1/assets", data=fields, files={"file": ("a.jpg", jpeg(NOISE))}, headers=brand.uploader)
    assert answer.status_code == 422
    assert "timezone" in answer.json()["detail"]


def test_a_png_stays_a_png_with_its_profile(client: TestClient, brand: Brand, astronaut: np.ndarray) -> None:
    original = saved(Image.fromarray(astronaut[:400, 50:450]), "PNG", icc_profile=b"profile")
    asset = brand.upload(original)
    assert (asset["state"], asset["format"], asset["width"]) == ("ready", "PNG", 400)
    brand.import_recipients(1)
    brand.issue(asset["id"])
    file = client.get(brand.copies(asset["id"])[0]["file"], headers=brand.uploader)
    assert file.headers["content-type"] == "image/png"
    picture = Image.open(io.BytesIO(file.content))
    assert (picture.format, picture.info["icc_profile"]) == ("PNG", b"profile")
    assert (np.asarray(picture) != astronaut[:400, 50:450]).any()


def test_what_is_no_plain_rgb_is_kept_or_converted(client: TestClient, brand: Brand, astronaut: np.ndarray) -> None:
    small = np.ascontiguousarray(astronaut[:400, 50:450])
    deep = small[..., 0].astype(np.uint16) * 257
    clear = np.dstack([small, np.linspace(0, 255, 400).astype(np.uint8)[None].repeat(400, 0)])
    uploads = {
        "cmyk": (saved(Image.fromarray(small).convert("CMYK"), "JPEG"), "JPEG", "image/jpeg", ".jpg", "RGB"),
        "16-bit": (saved(Image.fromarray(deep), "PNG"), "PNG", "image/png", ".png", "I;16"),
        "tiff": (saved(Image.fromarray(small), "TIFF"), "TIFF", "image/tiff", ".tif", "RGB"),
        "alpha": (saved(Image.fromarray(clear), "WEBP", lossless=True), "WEBP", "image/webp", ".webp", "RGBA"),
    }
    brand.import_recipients(1)
    for data, family, media_type, suffix, mode in uploads.values():
        asset = brand.upload(data)
        assert (asset["state"], asset["format"], asset["width"], asset["height"]) == ("ready", family, 400, 400)
        brand.issue(asset["id"])
        file = client.get(brand.copies(asset["id"])[0]["file"], headers=brand.uploader)
        assert file.headers["content-type"] == media_type
        assert file.headers["content-disposition"].endswith(f'{suffix}"')
        assert Image.open(io.BytesIO(file.content)).mode == mode
        shown = client.get(f"/v1/assets/{asset['id']}/preview", params={"size": 160}, headers=brand.uploader)
        assert Image.open(io.BytesIO(shown.content)).mode == "RGB"


def test_deleting_needs_the_title_and_leaves_no_file(
    client: TestClient, brand: Brand, asset: dict[str, Any], context: Context, astronaut: np.ndarray
) -> None:
    brand.import_recipients(1)
    brand.issue(asset["id"])
    copy = brand.copies(asset["id"])[0]
    path = f"/v1/assets/{asset['id']}"
    assert client.delete(path, params={"confirm": "Look 4"}, headers=brand.uploader).status_code == 422
    assert client.get(path, headers=brand.uploader).status_code == 200
    assert client.delete(path, params={"confirm": "Look 3"}, headers=brand.uploader).status_code == 204

    assert client.get(path, headers=brand.uploader).status_code == 404
    assert client.get(copy["file"], headers=brand.uploader).status_code == 404
    assert not [p for p in (context.settings.data_dir / "blobs").rglob(f"{asset['id']}/*") if p.is_file()]
    picture = {"file": ("a.jpg", jpeg(astronaut[:256, 128:384]))}
    assert client.post("/v1/lookup/image", files=picture, headers=brand.flagger).json()["result"] == "not_ours"
    trail = client.get(f"/v1/provenance?asset={asset['id']}", headers=brand.investigator).json()["items"]
    assert [entry["kind"] for entry in trail][-1] == "asset.deleted"


def test_what_a_killed_process_left_is_prepared_at_the_next_start(
    brand: Brand, context: Context, astronaut: np.ndarray
) -> None:
    from service import runtime

    submit, context.jobs.submit = context.jobs.submit, lambda kind, subject: None  # type: ignore[method-assign]
    waiting = brand.upload(jpeg(astronaut[:128, 128:256]), wait=False)
    context.jobs.submit = submit  # type: ignore[method-assign]
    assert waiting["state"] == "received"
    runtime.start(context)
    assert brand.settled(f"/v1/assets/{waiting['id']}")["state"] == "ready"


def test_steps_that_run_twice_do_no_harm(brand: Brand, context: Context, asset: dict[str, Any]) -> None:
    from service.assets import work
    from service.db import everywhere
    from service.lookups.models import Fingerprint

    with context.database.writing() as session:
        session.scalars(everywhere(Asset)).one().state = AssetState.PREPARING.value
    for step in work.prepare_job(context).steps:
        step(asset["id"])
        step(asset["id"])
    with context.database.reading() as session:
        assert len(list(session.scalars(everywhere(Fingerprint)))) == 10
    assert brand.settled(f"/v1/assets/{asset['id']}")["state"] == "ready"


@pytest.mark.parametrize("state", AssetState)
def test_states_follow_their_table(state: AssetState) -> None:
    for to in AssetState:
        asset = Asset(state=state.value)
        if to is state or to in TRANSITIONS[state]:
            asset.advance(to)
            assert asset.state == to.value
        else:
            with pytest.raises(ValueError, match="cannot go"):
                asset.advance(to)


def test_no_unmarked_pixel_leaves(
    client: TestClient, brand: Brand, asset: dict[str, Any], context: Context, astronaut: np.ndarray
) -> None:
    from service.db import everywhere

    path = f"/v1/assets/{asset['id']}/preview?size=960"
    seen = {who: client.get(path, headers=getattr(brand, who)).content for who in ("uploader", "investigator")}
    again = client.get(path, headers=brand.uploader).content
    assert seen["uploader"] == again != seen["investigator"]
    with context.database.reading() as session:
        copies = list(session.scalars(everywhere(Copy)))
    assert sorted((copy.kind, copy.serial) for copy in copies) == [("viewer", 1), ("viewer", 2)]
    brand.import_recipients(3)
    brand.issue(asset["id"])
    assert [copy["serial"] for copy in brand.copies(asset["id"])] == [3, 4, 5]
    sighting = brand.report(seen["uploader"])
    assert [(named["kind"], named["serial"]) for named in sighting["named"]] == [("viewer", 1)]
    assert "person" not in sighting["named"][0]["statement"]
