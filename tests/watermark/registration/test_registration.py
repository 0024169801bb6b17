"""Photographs attacked by known maps must be laid back onto the original to a fraction of a pixel."""

import cv2
import numpy as np
import pytest
import skimage.data

from watermark import registration
from watermark.registration.geometry import disagreement, inverse, mirror, project, quarter_turns, resize_matrix, shift

PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket")


def luma_of(name):
    return cv2.cvtColor(np.asarray(getattr(skimage.data, name)()), cv2.COLOR_RGB2GRAY).astype(np.float32)


def through_jpeg(luma, quality):
    data = cv2.imencode(".jpg", np.clip(luma, 0, 255).round().astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE).astype(np.float32)


def unchanged(luma):
    return luma, np.eye(3)


def compressed(luma):
    return through_jpeg(luma, 15), np.eye(3)


def shrunk(luma):
    shape = luma.shape[0] // 4, luma.shape[1] // 4
    return cv2.resize(luma, shape[::-1], interpolation=cv2.INTER_AREA), resize_matrix(luma.shape, shape)


def cropped_to_a_tenth(luma):
    h, w = (round(side * 0.1**0.5) for side in luma.shape)
    top, left = luma.shape[0] // 3, luma.shape[1] // 3
    return through_jpeg(luma[top : top + h, left : left + w], 80), shift(-left, -top)


def turned_15(luma):
    h, w = luma.shape
    turn = np.vstack([cv2.getRotationMatrix2D(((w - 1) / 2, (h - 1) / 2), 15, 1), [0, 0, 1]])
    return cv2.warpPerspective(luma, turn, (w, h), flags=cv2.INTER_CUBIC), turn


def turned_90(luma):
    return np.rot90(luma).copy(), quarter_turns(luma.shape, 1)


def mirrored(luma):
    return luma[:, ::-1].copy(), mirror(luma.shape[1])


def negative(luma):
    return 255 - luma, np.eye(3)


def mirrored_negative(luma):
    return 255 - luma[:, ::-1], mirror(luma.shape[1])


def tilted(luma):
    h, w = luma.shape
    corners = np.float32([[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]])
    moved = corners + np.float32([[0.06, 0.03], [-0.05, 0.05], [0.02, -0.06], [-0.01, 0.02]]) * w
    tilt = cv2.getPerspectiveTransform(corners, moved)
    return cv2.warpPerspective(luma, tilt, (w, h), flags=cv2.INTER_CUBIC), tilt


def on_a_page(luma):
    page = np.full((900, 1200), 250, np.uint8)
    for line in range(24):
        words = " ".join(["lorem", "ipsum", "dolor", "sit", "amet", "consectetur", "adipiscing", "elit"][line % 5 :])
        cv2.putText(page, words * 2, (20, 30 + 36 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 30, 1, cv2.LINE_AA)
    shape = round(luma.shape[0] * 0.45), round(luma.shape[1] * 0.45)
    page[200 : 200 + shape[0], 350 : 350 + shape[1]] = cv2.resize(luma, shape[::-1], interpolation=cv2.INTER_AREA)
    return page.astype(np.float32), shift(350, 200) @ resize_matrix(luma.shape, shape)


ATTACKS = (
    unchanged,
    compressed,
    shrunk,
    cropped_to_a_tenth,
    turned_15,
    turned_90,
    mirrored,
    negative,
    mirrored_negative,
    tilted,
    on_a_page,
)


@pytest.fixture(scope="module")
def indexes():
    return {name: registration.Index.build(luma_of(name), luma_of(name)) for name in PHOTOGRAPHS}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_an_attacked_photograph_is_laid_onto_its_original(indexes, name, attack):
    index = indexes[name]
    leak, moved = attack(index.canonical)
    fits = registration.register(index, leak).fits
    assert fits
    assert disagreement(inverse(moved), fits[0].homography, leak.shape, index.shape) < 0.25
    assert fits[0].mirrored == ("mirrored" in attack.__name__)
    assert fits[0].inverted == ("negative" in attack.__name__)


def test_a_bent_photograph_is_straightened_by_the_flow(indexes):
    index = indexes["coffee"]
    h, w = index.shape
    x, y = np.meshgrid(np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32))
    bend = np.stack([8 * np.sin(2 * np.pi * y / h), 8 * np.sin(2 * np.pi * x / w + 1)])
    leak = cv2.remap(index.canonical, x + bend[0], y + bend[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    fit = registration.register(index, leak).fits[0]
    assert fit.flow is not None
    columns, _ = registration.warp(x + bend[0], fit, index.shape)
    rows, mask = registration.warp(y + bend[1], fit, index.shape)
    assert np.median(np.hypot(columns - x, rows - y)[mask > 0]) < 0.5


def test_the_warped_leak_equals_the_original_where_it_is_seen(indexes):
    index = indexes["astronaut"]
    leak, _ = turned_15(index.canonical)
    fit = registration.register(index, leak).fits[0]
    warped, mask = registration.warp(leak, fit, index.shape)
    assert warped.shape == mask.shape == index.shape
    assert warped.dtype == mask.dtype == np.float32
    assert set(np.unique(mask)) == {0, 1}
    assert np.abs(warped - index.canonical)[mask > 0].mean() < 3  # two bicubic interpolations


def test_a_negative_is_warped_back_to_a_positive(indexes):
    index = indexes["coffee"]
    leak, _ = negative(index.canonical)
    warped, mask = registration.warp(leak, registration.register(index, leak).fits[0], index.shape)
    assert np.abs(warped - index.canonical)[mask > 0].mean() < 1


def test_a_sticker_is_left_out_of_the_evidence_mask_and_a_blank_wall_is_not():
    original = luma_of("coffee")
    original[:, :200] = 180
    leak = original.copy()
    leak[100:300, 350:550] = np.random.default_rng(1).uniform(0, 255, (200, 200))
    shown = registration.evidence_mask(original, leak, np.ones_like(leak))
    assert shown[150:250, 400:500].mean() < 0.1
    assert shown[:, :180].mean() > 0.95


def test_a_hint_saves_the_search_and_finds_the_same_place(indexes):
    index = indexes["chelsea"]
    leak, moved = tilted(index.canonical)
    fit = registration.register(index, leak, hint=shift(1.5, -1) @ inverse(moved)).fits[0]
    assert fit.method == "hint"
    assert fit.tried == 1
    assert disagreement(inverse(moved), fit.homography, leak.shape, index.shape) < 0.25


def test_a_wrong_hint_does_no_harm(indexes):
    index = indexes["chelsea"]
    leak, moved = tilted(index.canonical)
    fit = registration.register(index, leak, hint=np.diag([0.3, 0.3, 1])).fits[0]
    assert disagreement(inverse(moved), fit.homography, leak.shape, index.shape) < 0.25


def test_both_copies_of_a_repeated_part_are_returned(indexes):
    tile = luma_of("coffee")[100:300, 150:350]
    rng = np.random.default_rng(2)
    original = cv2.GaussianBlur(rng.uniform(0, 255, (400, 600)).astype(np.float32), (0, 0), 2)
    original[20:220, 20:220] = original[180:380, 380:580] = tile
    fits = registration.register(registration.Index.build(original, original), tile).fits
    corners = sorted(tuple(project(np.zeros((1, 2)), fit.homography)[0].round().astype(int).tolist()) for fit in fits)
    assert corners == [(20, 20), (380, 180)]


def test_an_asset_of_few_edges_is_found_as_the_whole_frame():
    original = np.full((300, 400), 60, np.float32)
    original[120:] = 150
    original[:, 260:] += 50
    index = registration.Index.build(original, original)
    assert index.is_sparse
    leak, moved = shrunk(original)
    fits = registration.register(index, leak).fits
    assert min(disagreement(inverse(moved), fit.homography, leak.shape, index.shape) for fit in fits) < 0.5


def test_unrelated_photographs_give_low_evidence(indexes):
    index = indexes["coffee"]
    for name in ("astronaut", "rocket"):
        fits = registration.register(index, luma_of(name), budget_s=1).fits
        assert all(fit.evidence < 4 for fit in fits)
        assert all(fit.inliers < 12 for fit in fits)


def test_a_stored_index_registers_to_the_same_numbers(indexes):
    index = indexes["rocket"]
    arrays = index.to_arrays()
    assert sum(array.nbytes for array in arrays.values()) < 1.5e6
    restored = registration.Index.from_arrays(index.canonical, index.scale, arrays)
    leak, _ = on_a_page(index.canonical)
    first, second = (registration.register(which, leak).fits[0] for which in (index, restored))
    assert np.array_equal(first.homography, second.homography)
    assert first.evidence == second.evidence


def test_other_uses_of_chance_change_nothing(indexes):
    index = indexes["chelsea"]
    leak, _ = cropped_to_a_tenth(index.canonical)
    found = []
    for seed in (1, 2):
        cv2.setRNGSeed(seed)
        found.append(registration.register(index, leak).fits[0].homography)
    assert np.array_equal(*found)


@pytest.mark.parametrize(
    "leak",
    [
        np.zeros((8, 8)),
        np.zeros((3, 500)),
        np.full((300, 400), 128.0),
        np.full((9, 2000), 200.0),
        np.tile(np.float32([0, 255]), (9, 20000)),
        np.tile(np.arange(256.0), (40, 1)),
        np.zeros((0, 0)),
        np.random.default_rng(0).uniform(0, 255, (16, 16)),
    ],
    ids=["tiny", "thin", "flat", "ribbon", "long ribbon", "gradient", "empty", "noise"],
)
def test_a_leak_that_shows_nothing_registers_nowhere(indexes, leak):
    assert registration.register(indexes["coffee"], leak.astype(np.float32), budget_s=1).fits == []


@pytest.mark.parametrize("shape", [(8, 8), (300, 300), (12, 1024)], ids=["tiny", "flat", "ribbon"])
def test_a_blank_original_is_indexed_and_matches_nothing(shape):
    blank = np.full(shape, 90, np.float32)
    index = registration.Index.build(blank, blank)
    assert registration.register(index, luma_of("coffee"), budget_s=1).fits == []
    assert registration.register(index, blank, budget_s=1).fits == []
