"""Tier 2: a part of a picture, wherever it turns up, leads to the picture, and nothing else does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from benchmarks.attacks import SUITE, Attacked
from benchmarks.photographs import from_wheel
from benchmarks.strangers import page
from watermark import landmarks
from watermark.landmarks import LandmarkIndex, Landmarks, search
from watermark.landmarks.codes import DamagedLandmarks, raised
from watermark.landmarks.hamming import nearest_pivots, scan_buckets, two_nearest, words
from watermark.landmarks.matching import visible
from watermark.landmarks.segments import Segment, label, pivots
from watermark.landmarks.votes import shortlist

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


def test_the_right_colourway_comes_first_and_the_other_is_called_so() -> None:
    index = LandmarkIndex()
    index.add("blue", landmarks.describe(np.ascontiguousarray(PHOTOS["coffee"][..., ::-1])))
    index.add("red", landmarks.describe(PHOTOS["coffee"]))
    found = index.search(landmarks.query(leak("coffee", "crop_50").rgb))
    assert [candidate.asset_id for candidate in found] == ["red", "blue"]
    assert [candidate.in_other_colours for candidate in found] == [False, True]


def test_a_closer_look_counts_what_the_index_does_not_hold() -> None:
    photo = PHOTOS["coffee"]
    height, width = photo.shape[:2]
    corner = np.ascontiguousarray(photo[height // 3 : height // 3 + height // 3, width // 4 : width // 4 + width // 3])
    index = LandmarkIndex()
    index.add("coffee", landmarks.describe(photo))
    query = landmarks.query(corner)
    asked = []

    def details(asset_id: str) -> Landmarks:
        asked.append(asset_id)
        return landmarks.detail(photo)

    alone, closer = index.search(query), index.search(query, details)
    assert set(asked) == {"coffee"}
    assert [candidate.asset_id for candidate in closer] == ["coffee"]
    assert closer[0].inliers > 2 * max((candidate.inliers for candidate in alone), default=0)
    assert closer[0].share > 0.3


def part_of(whole: Landmarks, chosen: np.ndarray) -> Landmarks:
    """An asset that shares some landmarks with another and looks otherwise."""
    points, sizes, angles, codes = (v[chosen] for v in (whole.points, whole.sizes, whole.angles, whole.codes))
    return Landmarks(whole.shape, points, sizes, angles, codes, np.zeros_like(whole.thumbnail))


def test_beside_a_clear_match_only_what_outvotes_chance_is_looked_at() -> None:
    coffee, rocket = (landmarks.describe(PHOTOS[name]) for name in ("coffee", "rocket"))
    parts = np.array_split(np.random.default_rng(4).permutation(len(coffee)), len(coffee) // 12)[:20]
    index = LandmarkIndex()
    for number, chosen in enumerate(parts):
        index.add(f"part {number}", part_of(coffee, chosen))
    asked: list[str] = []

    def search(*photos: str) -> list[str]:
        asked.clear()
        query = landmarks.query(np.vstack([cv2.resize(PHOTOS[name], (600, 400)) for name in photos]))
        return [c.asset_id for c in index.search(query, asked.append)]

    assert search("coffee") == []
    assert len(asked) >= 16
    index.add("coffee", coffee)
    index.add("rocket", rocket)
    assert search("coffee") == ["coffee"]
    assert len(asked) < 8
    assert sorted(search("coffee", "rocket")) == ["coffee", "rocket"]


def test_an_asset_gets_no_votes_of_another() -> None:
    rng = np.random.default_rng(6)
    places, pairs = rng.uniform(0, 600, (40, 2)).astype(np.float32), 40
    asset = np.c_[places, np.full(pairs, 10), np.zeros(pairs)].astype(np.float32)
    turns = [np.float32(15 * turn + 7) for turn in range(24)]  # an asset each, shown at another turn about its centre
    queries = []
    for turn in turns:
        c, s = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
        queries.append(np.c_[(places - 300) @ [[c, s], [-s, c]] + 300, asset[:, 2], asset[:, 3] + turn])
    owners = np.repeat(np.arange(24), pairs)
    listed = shortlist(
        np.concatenate(queries).astype(np.float32),
        np.tile(asset, (24, 1)),
        owners,
        np.tile(np.float32([300, 300, 600]), (len(owners), 1)),
        np.ones(len(owners), np.float32),
        most=24,
        least=0.0,
    )
    assert [item.strength for item in listed] == [pairs] * 24


def test_words_in_the_same_type_are_no_match() -> None:
    held, asked = (page([PHOTOS["rocket"]], np.random.default_rng(seed)) for seed in (2, 5))
    index = LandmarkIndex()
    index.add("page", landmarks.describe(held))
    assert [c.asset_id for c in index.search(landmarks.query(held), lambda _: landmarks.detail(held))] == ["page"]
    assert index.search(landmarks.query(asked), lambda _: landmarks.detail(held)) == []


@pytest.mark.parametrize(
    ("inliers", "alike", "share", "spread", "counts"),
    [(168, 0.3, 0.26, 0.22, True), (87, 0.3, 0.14, 0.2, False), (300, 0.3, 0.15, 0.16, False)],
    ids=["a strip of a page", "dialogs of one desktop", "little of what should be seen"],
)
def test_a_broad_strip_on_a_page_counts_and_what_desktops_share_does_not(
    inliers: int, alike: float, share: float, spread: float, counts: bool
) -> None:
    seen = landmarks.Candidate("a", (1600, 1200), 9.0, inliers, spread, share, np.eye(3), False, False, alike, 0.0)
    assert seen.is_match is counts


def test_a_dull_picture_is_described_at_raised_contrast_and_found_by_a_part() -> None:
    dull = (120 + PHOTOS["coffee"].astype(np.float32) * (14 / 255)).astype(np.uint8)
    luma = cv2.cvtColor(dull, cv2.COLOR_RGB2GRAY).astype(np.float32)
    assert np.ptp(raised(luma)) > 3 * np.ptp(luma)
    assert np.array_equal(raised(luma * 8 - 800), luma * 8 - 800)
    index = LandmarkIndex()
    index.add("dull", landmarks.describe(dull))
    part = np.ascontiguousarray(dull[100:300, 150:450])
    found = index.search(landmarks.query(part), lambda _: landmarks.detail(dull))
    assert [candidate.asset_id for candidate in found] == ["dull"]


def test_only_what_a_picture_shows_and_is_large_enough_is_expected_of_it() -> None:
    places = np.array([[100, 100], [300, 100], [100, 300], [900, 900], [120, 400]], np.float32)
    asset = np.c_[places, np.array([20, 20, 20, 20, 1], np.float32), np.zeros(5, np.float32)]
    half = np.diag([2.0, 2.0, 1.0])  # query px -> asset px: shown at half the size
    assert visible(asset, half, (250.0, 250.0), (1000, 1000), 2.5) == 3
    assert visible(asset, half, (500.0, 500.0), (1000, 1000), 2.5) == 4
    assert visible(asset, half, (500.0, 500.0), (1000, 1000), 0.1) == 5


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
    assert np.array_equal(back.thumbnail, made.thumbnail)
    assert np.abs(back.points - made.points).max() < 0.02
    assert np.abs(back.sizes / made.sizes - 1).max() < 0.001
    turned = (back.angles - made.angles + 180) % 360 - 180
    assert np.abs(turned).max() < 1
    assert back.to_bytes() == data


@pytest.mark.parametrize("data", [b"", b"TLM2", b"XXXX" + bytes(3082), b"TLM2" + bytes(9) + b"\x01" + bytes(3072)])
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


def random_landmarks(rng: np.random.Generator, count: int) -> Landmarks:
    points = rng.uniform(0, 500, (count, 2)).astype(np.float32)
    sizes, angles = (rng.uniform(low, high, count).astype(np.float32) for low, high in ((2, 40), (0, 360)))
    codes = rng.integers(0, 256, (count, 32), np.uint8)
    return Landmarks((400, 600), points, sizes, angles, codes, np.zeros((32, 32, 3), np.uint8))


def brute_force(wanted: np.ndarray, codes: np.ndarray) -> np.ndarray:
    return np.bitwise_count(wanted[:, None] ^ codes[None]).sum(axis=-1).astype(np.int32)


def test_the_compiled_loops_agree_with_comparing_every_pair() -> None:
    rng = np.random.default_rng(6)
    codes = rng.integers(0, 256, (700, 32), np.uint8)
    wanted = codes[:90] ^ np.packbits(rng.random((90, 256)) < 0.1, axis=1)
    truth = brute_force(wanted, codes)
    found, distances = two_nearest(words(wanted), words(codes))
    assert np.array_equal(distances, np.sort(truth, axis=1)[:, :2])
    assert np.array_equal(np.take_along_axis(truth, found.astype(int), axis=1), distances)
    near = nearest_pivots(words(wanted), words(codes), 9)
    assert all(len(set(row)) == 9 for row in near.tolist())
    assert np.array_equal(np.sort(np.take_along_axis(truth, near.astype(int), axis=1)), np.sort(truth, axis=1)[:, :9])


def test_visiting_every_bucket_finds_the_nearest_codes_of_the_living() -> None:
    rng = np.random.default_rng(7)
    held = [random_landmarks(rng, 300) for _ in range(3)]
    segment = Segment.of([(str(n), x) for n, x in enumerate(held)])
    alive = np.array([True, False, True])
    wanted = words(rng.integers(0, 256, (50, 32), np.uint8))
    everywhere = nearest_pivots(wanted, pivots(), len(pivots()))
    distances, rows = np.full((50, 8), 257, np.int32), np.full((50, 8), -1, np.int64)
    scan_buckets(wanted, everywhere, segment.codes, segment.starts, segment.owners, alive, 1000, distances, rows)
    lives = alive[segment.owners]
    truth = brute_force(wanted.view(np.uint8).reshape(-1, 32), segment.codes.view(np.uint8).reshape(-1, 32))
    assert np.array_equal(distances, np.sort(truth[:, lives], axis=1)[:, :8])
    assert np.array_equal(np.take_along_axis(truth, rows - 1000, axis=1), distances)


def test_merged_segments_hold_what_lived() -> None:
    rng = np.random.default_rng(8)
    held = {name: random_landmarks(rng, 40) for name in "abcd"}
    one = Segment.of([("a", held["a"]), ("b", held["b"])])
    two = Segment.of([("c", held["c"]), ("d", held["d"])])
    merged = Segment.merged([(one, np.array([False, True])), (two, np.array([True, True]))])
    assert [outline.asset_id for outline in merged.outlines] == ["b", "c", "d"]
    for number, name in enumerate("bcd"):
        codes, geometry = merged.landmarks_of(number)
        assert np.array_equal(codes, words(held[name].codes))
        assert np.array_equal(geometry[:, :2], held[name].points)


def test_nearly_every_code_stands_in_the_bucket_of_its_nearest_pivot() -> None:
    codes = words(np.concatenate([landmarks.describe(PHOTOS[name]).codes for name in OURS]))
    exact = nearest_pivots(codes, pivots(), 1)[:, 0]
    assert (label(codes) == exact).mean() > 0.8


def test_a_large_index_finds_and_forgets_as_a_small_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SCANNED_CODES", 10)  # the fewest buckets
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
    assert len(index) == 3


def test_searches_run_while_assets_come_and_go() -> None:
    index = LandmarkIndex()
    index.add("coffee", landmarks.describe(PHOTOS["coffee"]))
    rocket, rng = landmarks.describe(PHOTOS["rocket"]), np.random.default_rng(9)
    query = landmarks.query(leak("coffee", "crop_50").rgb)

    def come_and_go(number: int) -> None:
        index.add(f"noise {number}", random_landmarks(rng, 50))
        index.add("rocket", rocket)
        index.remove("rocket")

    with ThreadPoolExecutor(4) as pool:
        changes = [pool.submit(come_and_go, n) for n in range(20)]
        found = [pool.submit(index.search, query) for _ in range(6)]
        assert [[c.asset_id for c in f.result()] for f in found] == [["coffee"]] * 6
        for change in changes:
            change.result()
    assert len(index) == 21


def test_the_only_asset_of_an_index_is_found_on_a_page_full_of_text() -> None:
    index = LandmarkIndex()
    index.add("motorcycle", landmarks.describe(PHOTOS["motorcycle"]))
    found = index.search(landmarks.query(leak("motorcycle", "webpage_25").rgb))
    assert [candidate.asset_id for candidate in found] == ["motorcycle"]
    assert index.search(landmarks.query(leak("hubble", "webpage_45").rgb)) == []
