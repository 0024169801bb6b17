"""Tier 2: a part of a picture, wherever it turns up, leads to the picture, and nothing else does."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks.attacks import SUITE, Attacked
from benchmarks.photographs import from_wheel
from watermark import landmarks
from watermark.landmarks import LandmarkIndex, Landmarks
from watermark.landmarks.codes import DamagedLandmarks
from watermark.landmarks.neighbours import Buckets, choose_pivots, label, nearest, nearest_in_buckets

PHOTOS = from_wheel()
OURS = ("astronaut", "coffee", "motorcycle", "rocket")
THEIRS = [PHOTOS[name] for name in PHOTOS if name not in OURS]


@pytest.fixture(scope="module")
def index() -> LandmarkIndex:
    index = LandmarkIndex()
    for name in OURS:
        index.add(name, landmarks.describe(PHOTOS[name]))
    return index


def leak(name: str, attack: str) -> Attacked:
    return SUITE[attack].apply(PHOTOS[name], np.random.default_rng(8), companions=THEIRS)


def error_px(found: landmarks.Candidate, truth: np.ndarray, shape: tuple[int, ...]) -> float:
    """Median distance between the found and the true place of the asset's pixels that the leak shows, in asset px."""
    h, w = shape[:2]
    grid = np.stack(np.meshgrid(np.linspace(0, w - 1, 15), np.linspace(0, h - 1, 15)), -1).reshape(-1, 1, 2)
    true = cv2.perspectiveTransform(grid, np.linalg.inv(truth))[:, 0]
    got = cv2.perspectiveTransform(grid, found.homography)[:, 0]
    height, width = PHOTOS[found.asset_id].shape[:2]
    shown = (true >= 0).all(axis=1) & (true[:, 0] < width) & (true[:, 1] < height)
    return float(np.median(np.linalg.norm(true - got, axis=1)[shown]))


@pytest.mark.parametrize(
    "attack",
    [
        "crop_25",
        "crop_10",
        "webpage_45",
        "screenshot_phone",
        "collage_2x2",
        "screencam_hard",
    ],
)
@pytest.mark.parametrize("name", ["astronaut", "motorcycle"])
def test_a_part_of_a_picture_leads_to_the_picture(index: LandmarkIndex, name: str, attack: str) -> None:
    leaked = leak(name, attack)
    found = index.search(landmarks.query(leaked.rgb))
    assert [candidate.asset_id for candidate in found] == [name]
    assert not found[0].mirrored
    assert leaked.homography is not None
    assert error_px(found[0], leaked.homography, leaked.rgb.shape) < 4


@pytest.mark.parametrize(("attack", "mirrored", "inverted"), [("flip_h", True, False), ("negative", False, True)])
def test_mirrored_and_negative_pictures_are_found_and_called_so(
    index: LandmarkIndex, attack: str, mirrored: bool, inverted: bool
) -> None:
    leaked = leak("coffee", attack)
    best = index.search(landmarks.query(leaked.rgb))[0]
    assert (best.asset_id, best.mirrored, best.inverted) == ("coffee", mirrored, inverted)
    assert leaked.homography is not None
    assert error_px(best, leaked.homography, leaked.rgb.shape) < 2


@pytest.mark.parametrize("attack", ["identity", "webpage_45", "collage_2x2", "screencam_mild"])
def test_unrelated_photographs_are_not_found(index: LandmarkIndex, attack: str) -> None:
    for photo in THEIRS:
        other = SUITE[attack].apply(photo, np.random.default_rng(9), companions=THEIRS)
        assert index.search(landmarks.query(other.rgb)) == []


def test_two_colourways_of_one_shot_do_not_silence_each_other() -> None:
    index = LandmarkIndex()
    index.add("red", landmarks.describe(PHOTOS["coffee"]))
    index.add("blue", landmarks.describe(np.ascontiguousarray(PHOTOS["coffee"][..., ::-1])))
    found = index.search(landmarks.query(leak("coffee", "crop_50").rgb))
    assert {candidate.asset_id for candidate in found} == {"red", "blue"}


def test_a_removed_asset_is_not_found(index: LandmarkIndex) -> None:
    own = LandmarkIndex()
    own.add("a", landmarks.describe(PHOTOS["coffee"]))
    own.add("b", landmarks.describe(PHOTOS["rocket"]))
    query = landmarks.query(PHOTOS["coffee"])
    assert [c.asset_id for c in own.search(query)] == ["a"]
    own.remove("a")
    own.remove("never there")
    assert own.search(query) == []
    own.remove("b")
    assert own.search(query) == []


def test_bytes_bring_back_the_landmarks() -> None:
    made = landmarks.describe(PHOTOS["hubble"])
    data = made.to_bytes()
    back = Landmarks.from_bytes(data)
    assert len(data) <= 25_000
    assert back.shape == made.shape
    assert np.array_equal(back.codes, made.codes)
    assert np.abs(back.points - made.points).max() < 0.02
    assert np.abs(back.sizes / made.sizes - 1).max() < 0.001
    turned = (back.angles - made.angles + 180) % 360 - 180
    assert np.abs(turned).max() < 1
    assert back.to_bytes() == data


@pytest.mark.parametrize("data", [b"", b"TLM1", b"XXXX" + bytes(10), b"TLM1" + bytes(9) + b"\x01"])
def test_damaged_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(DamagedLandmarks):
        Landmarks.from_bytes(data)


def test_a_dark_picture_has_landmarks_and_a_blank_one_none() -> None:
    dark = (PHOTOS["rocket"] // 8).astype(np.uint8)
    assert len(landmarks.describe(dark)) >= 100
    blank = np.zeros((200, 300, 3), np.uint8)
    assert len(landmarks.describe(blank)) == 0
    assert len(Landmarks.from_bytes(landmarks.describe(blank).to_bytes())) == 0
    index = LandmarkIndex()
    index.add("blank", landmarks.describe(blank))
    assert index.search(landmarks.query(PHOTOS["coffee"])) == []
    assert index.search(landmarks.query(blank)) == []


def test_buckets_find_what_comparing_every_pair_finds() -> None:
    rng = np.random.default_rng(6)
    codes = rng.integers(0, 256, (20_000, 32), np.uint8)
    flips = np.packbits(rng.random((500, 256)) < 0.06, axis=1)
    wanted = codes[:500] ^ flips
    pivots = choose_pivots(codes)
    buckets = Buckets.sort(pivots, codes, label(codes, pivots))
    exact, found = nearest(wanted, codes), nearest_in_buckets(wanted, buckets)
    assert np.array_equal(exact[1][:, 0], np.arange(500))
    agree = found[1][:, 0] == exact[1][:, 0]
    assert agree.mean() > 0.75  # codes at random are the hardest to sort: real ones cluster
    assert np.array_equal(found[0][agree, 0], exact[0][agree, 0])
    assert (np.diff(found[0], axis=1) >= 0).all()


def test_a_large_index_finds_and_forgets_as_a_small_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watermark.landmarks.index.EXACT_CODES", 1000)
    index = LandmarkIndex()
    for name in OURS:
        index.add(name, landmarks.describe(PHOTOS[name]))
    query = landmarks.query(leak("coffee", "crop_25").rgb)
    assert [c.asset_id for c in index.search(query)] == ["coffee"]
    index.remove("rocket")
    index.add("hubble", landmarks.describe(PHOTOS["hubble"]))
    assert [c.asset_id for c in index.search(query)] == ["coffee"]
    index.remove("coffee")
    assert index.search(query) == []


def test_the_only_asset_of_an_index_is_found_on_a_page_full_of_text() -> None:
    index = LandmarkIndex()
    index.add("motorcycle", landmarks.describe(PHOTOS["motorcycle"]))
    found = index.search(landmarks.query(leak("motorcycle", "webpage_25").rgb))
    assert [candidate.asset_id for candidate in found] == ["motorcycle"]
    assert index.search(landmarks.query(leak("hubble", "webpage_45").rgb)) == []
