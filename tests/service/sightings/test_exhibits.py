"""What comes with a found picture is checked, sealed, told apart from what the service knows, and shown to few."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Brand, jpeg
from PIL import Image

from service.context import Context

NOISE = np.random.default_rng(5)
SCREEN = jpeg(NOISE.integers(0, 255, (900, 1280, 3), np.uint8), 60)
PICTURE = jpeg(NOISE.integers(0, 255, (80, 100, 3), np.uint8))
FRAMES = [jpeg(np.full((60, 80, 3), level, np.uint8)) for level in (40, 80)]
CLAIM = {
    "obtained": "stitched",
    "title": "A post",
    "permalink": "https://forum.example/p/1",
    "account": "@somebody",
    "seen_at": "2031-03-01T10:30:00+01:00",
    "pieces": 4,
    "sha256": hashlib.sha256(PICTURE).hexdigest(),
    "screenshot_sha256": hashlib.sha256(SCREEN).hexdigest(),
    "frames": [{"at_s": 1.0, "sha256": hashlib.sha256(FRAMES[0]).hexdigest()}, {"at_s": 2.0}],
}


def submit(brand: Brand, claim: Any = CLAIM, screenshot: bytes = SCREEN, frames: list[bytes] = FRAMES) -> Any:
    files = [("picture", ("p.jpg", PICTURE)), ("screenshot", ("s.jpg", screenshot))]
    files += [("frames", (f"{at}.jpg", frame)) for at, frame in enumerate(frames)]
    data = {"page_url": "https://forum.example/", "evidence": claim if isinstance(claim, str) else json.dumps(claim)}
    return brand.client.post("/v1/sightings", data=data, files=files, headers=brand.flagger)


def test_what_was_sent_is_shown_to_investigators(brand: Brand) -> None:
    made = submit(brand)
    assert made.status_code == 202, made.text
    path = f"/v1/sightings/{made.json()['id']}/evidence"
    shown = brand.client.get(path, headers=brand.investigator).json()
    assert shown["picture_sha256"] == CLAIM["sha256"]
    assert (shown["claim"]["account"], shown["claim"]["pieces"]) == ("@somebody", 4)
    assert [(one["kind"], one["at_s"]) for one in shown["exhibits"]] == [
        ("screenshot", None),
        ("frame", 1.0),
        ("frame", 2.0),
    ]
    assert shown["exhibits"][0]["sha256"] == CLAIM["screenshot_sha256"]
    small = brand.client.get(shown["exhibits"][0]["picture"], headers=brand.investigator)
    assert max(Image.open(io.BytesIO(small.content)).size) == 480
    for role in (brand.flagger, brand.uploader):
        assert brand.client.get(path, headers=role).status_code == 403
        assert brand.client.get(shown["exhibits"][0]["picture"], headers=role).status_code == 403


def test_it_is_sealed_at_rest(brand: Brand, context: Context) -> None:
    assert submit(brand).status_code == 202
    for file in Path(context.settings.data_dir).rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            for secret in (b"@somebody", b"forum.example/p/1", SCREEN[200:260], FRAMES[0][:60]):
                assert secret not in content, file


def test_a_picture_without_a_word_is_still_a_sighting(brand: Brand) -> None:
    answer = brand.client.post("/v1/sightings", files={"picture": ("p.jpg", PICTURE)}, headers=brand.flagger)
    path = f"/v1/sightings/{answer.json()['id']}/evidence"
    shown = brand.client.get(path, headers=brand.investigator).json()
    assert (shown["claim"], shown["exhibits"]) == (None, [])


@pytest.mark.parametrize(
    ("claim", "says"),
    [
        ("{", "evidence"),
        ({"obtained": "magic"}, "obtained"),
        ({**CLAIM, "seen_at": "2031-03-01T10:30:00"}, "seen_at"),
        ({**CLAIM, "sha256": "0" * 64}, "damaged or changed"),
        ({**CLAIM, "screenshot_sha256": "0" * 64}, "damaged or changed"),
        ({**CLAIM, "frames": [{"sha256": "0" * 64}]}, "damaged or changed"),
    ],
)
def test_what_does_not_hold_is_refused_whole(brand: Brand, claim: Any, says: str) -> None:
    answer = submit(brand, claim)
    assert answer.status_code == 422
    assert says in answer.text
    assert brand.client.get("/v1/sightings", headers=brand.investigator).json()["total"] == 0


def test_what_is_no_picture_is_refused(brand: Brand) -> None:
    assert submit(brand, {"obtained": "file"}, screenshot=b"MZ").status_code == 422
    assert submit(brand, {"obtained": "file"}, frames=[FRAMES[0]] * 11).status_code == 422
