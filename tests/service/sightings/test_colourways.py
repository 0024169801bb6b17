"""One shot in two colours is two assets: the picture itself tells which, and a wrong guess names nobody else."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from conftest import Brand, jpeg
from fastapi.testclient import TestClient


@pytest.fixture(scope="module")
def dyed(astronaut: np.ndarray) -> np.ndarray:
    """The astronaut with the hue of what is orange turned to green, as a suit in another colour."""
    hsv = cv2.cvtColor(astronaut, cv2.COLOR_RGB2HSV)
    orange = (hsv[..., 0] < 20) & (hsv[..., 1] > 90)
    hsv[..., 0] = np.where(orange, (hsv[..., 0].astype(int) + 55) % 180, hsv[..., 0]).astype(np.uint8)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


def look_up(client: TestClient, brand: Brand, rgb: np.ndarray) -> dict[str, Any]:
    answer = client.post(
        "/v1/lookup/image", files={"file": ("found.jpg", jpeg(rgb, quality=70))}, headers=brand.uploader
    )
    return answer.json()


def test_the_picture_itself_tells_which_colourway_it_shows(
    client: TestClient, brand: Brand, astronaut: np.ndarray, dyed: np.ndarray
) -> None:
    asset = brand.upload(jpeg(astronaut))
    assert look_up(client, brand, dyed)["result"] == "candidate"
    sibling = brand.upload(jpeg(dyed), title="Look 3 in green")
    for rgb, owner in ((astronaut, asset["id"]), (dyed, sibling["id"]), (dyed[40:400, 60:440], sibling["id"])):
        assert look_up(client, brand, rgb)["asset_id"] == owner


def test_a_copy_is_named_although_its_leak_was_dyed_as_the_sibling(
    client: TestClient, brand: Brand, astronaut: np.ndarray, dyed: np.ndarray
) -> None:
    asset = brand.upload(jpeg(astronaut))
    brand.upload(jpeg(dyed), title="Look 3 in green")
    brand.import_recipients(3)
    brand.issue(asset["id"])
    copy = brand.copies(asset["id"])[1]
    file = np.frombuffer(client.get(copy["file"], headers=brand.uploader).content, np.uint8)
    marked = cv2.cvtColor(cv2.imdecode(file, cv2.IMREAD_COLOR), cv2.COLOR_BGR2LAB)
    marked[..., 1:] = cv2.cvtColor(dyed, cv2.COLOR_RGB2LAB)[..., 1:]
    sighting = brand.report(jpeg(cv2.cvtColor(marked, cv2.COLOR_LAB2RGB)))
    assert [named["copy_id"] for named in sighting["named"]] == [copy["id"]]
