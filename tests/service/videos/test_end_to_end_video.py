"""A video over HTTP: upload, issue, download, leak a clip and a screenshot, trace; and what is refused."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from conftest import Brand, jpeg
from fastapi.testclient import TestClient
from PIL import Image
from video_clips import RATE, clip, decode, encode, panned

from service.videos.tracing import recognise_clip

__all__ = ["clip"]


@pytest.fixture
def video(brand: Brand, clip: bytes) -> dict[str, Any]:
    asset = brand.upload(clip, title="Trailer")
    assert asset["state"] == "ready", asset
    return asset


def test_a_recompressed_clip_and_a_screenshot_name_their_copy_and_the_time(
    brand: Brand, client: TestClient, video: dict[str, Any]
) -> None:
    assert (video["kind"], video["format"], video["width"], video["duration_s"]) == ("video", "MP4", 640, 4.0)
    brand.import_recipients(3)
    brand.issue(video["id"])
    second = brand.copies(video["id"])[1]
    file = client.get(second["file"], headers=brand.uploader)
    assert file.headers["content-type"] == "video/mp4"
    frames = decode(file.content)
    assert len(frames) == 4 * RATE

    leak = encode(iter(frames[RATE:]), crf="23")
    sighting = brand.report(leak, page_url="https://forum.example/1")
    assert (sighting["kind"], sighting["outcome"]) == ("video", "copy_named"), sighting
    assert [named["copy_id"] for named in sighting["named"]] == [second["id"]]
    assert sighting["named"][0]["statement"] == "The clip shows copy 0002, issued to Press 00002."
    assert 0.9 <= sighting["from_s"] < sighting["to_s"] <= 4.0
    strip = client.get(sighting["strip"], headers=brand.investigator).json()
    assert len(strip["agreement"][0]) == len(strip["starts_s"]) >= 2
    assert np.mean(strip["agreement"]) > 0.3
    assert client.get(sighting["strip"], headers=brand.flagger).status_code == 403

    _, (candidate, *_) = recognise_clip(client.app.state.context, tenant_id=brand.id, leak=leak)  # type: ignore[attr-defined]
    assert 0.9 <= candidate["at_s"] <= 4.0, "what is said to be recognised is a moment of the video"
    assert 0 <= min(candidate["near_s"]) <= 0.9

    screenshot = jpeg(frames[30], quality=85)
    found = client.post("/v1/lookup/image", files={"file": ("a.jpg", screenshot)}, headers=brand.investigator).json()
    assert (found["result"], found["asset_id"]) == ("ours", video["id"])
    assert abs(found["at_s"] - 30 / RATE) <= 1.0
    shot = brand.report(screenshot)
    assert (shot["kind"], shot["ours"], shot["asset_id"]) == ("picture", True, video["id"])
    assert abs(shot["from_s"] - 30 / RATE) <= 0.1
    assert [named["serial"] for named in shot["named"]] in ([], [2])  # one small frame carries 30 symbols


def test_a_clip_of_something_else_is_not_ours(brand: Brand, video: dict[str, Any]) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (9, 16, 3), np.uint8)
    other = np.asarray(Image.fromarray(noise).resize((320, 180), Image.Resampling.BICUBIC))
    sighting = brand.report(encode(iter([np.roll(other, 4 * k, 1) for k in range(18)])))
    assert (sighting["outcome"], sighting["ours"]) == ("not_ours", False)


def test_a_copy_comes_in_ranges_and_is_never_stored(
    brand: Brand, client: TestClient, video: dict[str, Any], context: Any
) -> None:
    brand.import_recipients(2)
    brand.issue(video["id"])
    address = brand.copies(video["id"])[0]["file"]
    whole = client.get(address, headers=brand.uploader)
    part = client.get(address, headers=brand.uploader | {"Range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, whole.content[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(whole.content)}"
    changed = client.get(address, headers=brand.uploader | {"Range": "bytes=0-9", "If-Range": '"other"'})
    assert changed.status_code == 200
    beyond = client.get(address, headers=brand.uploader | {"Range": f"bytes={len(whole.content)}-"})
    assert (beyond.status_code, beyond.json()["length"]) == (416, len(whole.content))
    downloads = client.get(f"/v1/provenance?asset={video['id']}", headers=brand.investigator).json()["items"]
    assert [entry["kind"] for entry in downloads].count("copy.downloaded") == 1
    stored = [path for path in context.settings.data_dir.rglob("*") if path.is_file()]
    assert not any(b"ftyp" in path.read_bytes()[:64] for path in stored)


def test_what_a_viewer_plays_is_a_copy_of_their_own(brand: Brand, client: TestClient, video: dict[str, Any]) -> None:
    base = f"/v1/assets/{video['id']}"
    films = [client.get(f"{base}/film.mp4", headers=who).content for who in (brand.uploader, brand.investigator)]
    assert films[0] != films[1]
    lists = [client.get(f"{base}/stream/index.m3u8", headers=who) for who in (brand.uploader, brand.investigator)]
    assert lists[0].text == lists[1].text
    assert lists[0].text.splitlines()[-2:] == ["0.m4s", "#EXT-X-ENDLIST"]
    pieces = [client.get(f"{base}/stream/{name}", headers=brand.uploader).content for name in ("init.mp4", "0.m4s")]
    assert np.array_equal(decode(b"".join(pieces))[20], decode(films[0])[20])
    assert client.get(f"{base}/stream/7.m4s", headers=brand.uploader).status_code == 404
    poster = Image.open(io.BytesIO(client.get(f"{base}/preview?size=320", headers=brand.uploader).content))
    assert poster.size == (320, 240)


REFUSED = {
    "cut off": (lambda data: data[: len(data) // 2], "a.mp4", "truncated-video"),
    "a picture's name": (lambda data: data[: len(data) // 2], "a.jpg", "truncated-video"),
    "text": (lambda data: b"this is a text file\n" * 50, "a.mp4", "undecodable-video"),
    "one frame": (lambda data: encode(panned(1)), "a.mp4", "video-too-short"),
    "no frame": (lambda data: encode(iter([])), "a.mp4", None),
    "tiny": (lambda data: encode(panned(4, 96, 64)), "a.mp4", "video-too-small"),
    "another container": (lambda data: b"FLV\x01" + bytes(100), "a.flv", "unsupported-video"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_prepared_is_refused_with_a_hint(
    brand: Brand, client: TestClient, clip: bytes, name: str
) -> None:
    spoil, file_name, code = REFUSED[name]
    for path, field, who in (("/v1/assets", "file", brand.uploader), ("/v1/sightings", "picture", brand.flagger)):
        answer = client.post(path, data={"title": "x"}, files={field: (file_name, spoil(clip))}, headers=who)
        assert answer.status_code == 422, answer.text
        problem = answer.json()
        assert problem["hint"]
        assert code is None or problem["type"] == f"urn:telltale:problem:{code}"


def test_a_video_by_another_name_is_still_a_video(brand: Brand, clip: bytes) -> None:
    assert brand.upload(clip, wait=False)["kind"] == "video"  # uploaded as a.jpg
