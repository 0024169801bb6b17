"""The result page: a copy is named, with its probability in words; below the gate there is no name at all."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from conftest import Brand, jpeg
from console_seats import Seat, with_all_roles, with_roles
from fastapi.testclient import TestClient
from PIL import Image

from service.console import trail
from service.console.wording import odds
from service.identity.roles import Role


@pytest.fixture
def seat(brand: Brand) -> Seat:
    return with_all_roles(brand)


@pytest.fixture
def leak(brand: Brand, client: TestClient, astronaut: np.ndarray) -> tuple[dict[str, Any], bytes]:
    """An asset with 5 copies, and a crop of the third."""
    asset = brand.upload(jpeg(astronaut), title="Astronaut")
    brand.import_recipients(5)
    brand.issue(asset["id"])
    third = brand.copies(asset["id"])[2]
    file = client.get(third["file"], headers=brand.uploader).content
    return asset, jpeg(np.asarray(Image.open(io.BytesIO(file)))[40:440, 60:440], quality=75)


def settled(seat: Seat, brand: Brand, picture: bytes, **fields: str) -> str:
    answer = seat.post("/console/sightings", files={"picture": ("l.jpg", picture)}, data=fields)
    assert answer.status_code == 303, answer.text
    path = answer.headers["location"]
    brand.settled(path.replace("/console/", "/v1/"))
    return path


def test_a_named_copy_for_each_role(seat: Seat, brand: Brand, leak: tuple[dict[str, Any], bytes]) -> None:
    asset, picture = leak
    path = settled(seat, brand, picture, page_url="https://forum.example/1", notes="noon")
    page = seat.get(path).text
    assert "Copy 0003 is named: issued to Press 00003" in page
    assert "1 in 10" in page
    assert "It names a copy, not a person." in page
    assert "account or device was accessed" in page
    assert f"/v1/assets/{asset['id']}/preview?size=960" in page
    assert "heatmap.png" in page
    assert "leak.jpg" in page
    assert "https://forum.example/1" in page
    assert 'href="https://forum.example' not in page, "a click would tell the leaking site who is looking"
    assert "matching picture details" in page
    assert "Time taken" in page

    uploader = with_roles(brand, Role.UPLOADER).get(path).text
    assert "A copy is named" in uploader
    flagger = with_roles(brand, Role.FLAGGER).get(path).text
    assert "This is one of ours" in flagger
    for text in (uploader, flagger):
        for secret in ("0003", "Press 0", "heatmap", "leak.jpg", "1 in 10"):
            assert secret not in text
    assert "Astronaut" not in flagger

    copy = page.split("/console/provenance?copy=")[1].split('"')[0]
    followed = seat.get(f"/console/provenance?copy={copy}").text
    assert "Copy 0003 of Astronaut, issued to Press 00003" in followed
    assert "Copy named in a leak" in followed
    assert path in followed
    whole = seat.get(f"/console/provenance?asset={asset['id']}").text
    assert "5 copies issued" in whole
    only = seat.get(f"/console/provenance?asset={asset['id']}&only=named").text
    assert "5 copies issued" not in only
    assert "Copy named in a leak" in only
    assert "Press 00003" in seat.get("/console/sightings").text


def test_an_unmarked_picture_names_nobody(
    seat: Seat, brand: Brand, leak: tuple[dict[str, Any], bytes], astronaut: np.ndarray
) -> None:
    page = seat.get(settled(seat, brand, jpeg(astronaut[40:440, 60:440], quality=75))).text
    assert "Inconclusive: no copy is named" in page
    assert "What would help:" in page
    assert "Press 0" not in page
    assert "copy 0" not in page.lower().replace("copy 0 ", "")


def test_a_strangers_picture_is_not_ours(seat: Seat, brand: Brand, leak: object) -> None:
    from skimage import data

    page = seat.get(settled(seat, brand, jpeg(np.asarray(data.chelsea())))).text
    assert '<h1 id="headline">Not ours</h1>' in page


def test_a_running_trace_polls_and_reloads_when_it_ends(
    seat: Seat, brand: Brand, client: TestClient, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.app.state.context.jobs, "submit", lambda *_: None)  # type: ignore[attr-defined]
    answer = seat.post("/console/sightings", files={"picture": ("l.jpg", jpeg(astronaut))})
    path = answer.headers["location"]
    page = seat.get(path).text
    assert "Tracing this picture" in page
    assert 'hx-trigger="every 1s"' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    assert "hx-refresh" not in seat.get(f"{path}/progress").headers


@pytest.mark.parametrize(
    ("log10", "words"),
    [
        (-9.0, "1 in 10⁹ or less"),
        (-9.9, "1 in 10⁹ or less"),
        (-30.2, "1 in 10³⁰ or less"),
        (-31, "less than 1 in 10³⁰"),
    ],
)
def test_odds_are_never_written_smaller_than_they_are(log10: float, words: str) -> None:
    assert odds(log10) == words


def test_every_kind_of_event_has_a_lane_and_a_name() -> None:
    from service.console import wording
    from service.events.models import EventKind

    lanes = {kind for _, _, kinds in trail.LANES for kind in kinds}
    assert {kind.value for kind in EventKind} - lanes == {
        "brand.created",
        "console.signed_in",
        "token.revoked",
        "extension.admitted",
        "extension.revoked",
    }
    for kind in lanes:
        assert wording.event(kind) != kind
