"""The attack suite does what its names say, and knows where every pixel went."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks.attacks import CORE, SUITE, Attacked
from benchmarks.attacks.attack import same_picture
from benchmarks.attacks.collusion import COLLUSIONS
from benchmarks.photographs import from_wheel

PHOTO = from_wheel()["coffee"]
BENT = {"bend", "regeneration"} | {"print_curled"}
"""Families and attacks whose homography is only the best one."""


def attacked(name: str, seed: int = 5) -> Attacked:
    return SUITE[name].apply(PHOTO, np.random.default_rng(seed))


def test_the_suite_is_wide_enough() -> None:
    assert len(SUITE) >= 100
    assert len({attack.family for attack in SUITE.values()}) >= 20
    assert 35 <= len(CORE) <= 55
    assert len({attack.family for attack in CORE.values()}) >= 12


def test_names_are_unique() -> None:
    from benchmarks import attacks

    names = [attack.name for part in attacks._PARTS for attack in part.ATTACKS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", SUITE)
def test_an_attack_repeats_itself_and_leaves_its_input_alone(name: str) -> None:
    before = PHOTO.copy()
    first, second = attacked(name), attacked(name)
    assert first.rgb.dtype == np.uint8
    assert first.rgb.ndim == 3
    assert first.rgb.shape[2] == 3
    assert np.array_equal(first.rgb, second.rgb)
    assert np.array_equal(PHOTO, before)


@pytest.mark.parametrize("name", SUITE)
def test_the_homography_tells_where_the_pixels_went(name: str) -> None:
    leak = attacked(name)
    assert leak.homography is not None
    shifts = residual_shifts(leak)
    limit = 6.0 if {name, SUITE[name].family} & BENT else 0.6
    assert np.median(shifts) < limit


def residual_shifts(leak: Attacked) -> np.ndarray:
    """Pull the leak back onto the original and measure what shift remains, window by window, in original pixels."""
    h, w = PHOTO.shape[:2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    back = cv2.warpPerspective(leak.rgb, leak.homography, (w, h), flags=flags)
    seen = cv2.warpPerspective(np.ones(leak.rgb.shape[:2], np.uint8), leak.homography, (w, h), flags=flags)
    a, b = (cv2.cvtColor(x, cv2.COLOR_RGB2GRAY).astype(np.float32) for x in (PHOTO, back))
    found = []
    window = cv2.createHanningWindow((96, 96), cv2.CV_32F)
    for y in range(0, h - 95, 48):
        for x in range(0, w - 95, 48):
            place = np.s_[y : y + 96, x : x + 96]
            p, q = a[place], b[place]
            if seen[place].all() and min(p.std(), q.std()) > 8 and abs(np.corrcoef(p.ravel(), q.ravel())[0, 1]) > 0.8:
                sign = 1 if np.corrcoef(p.ravel(), q.ravel())[0, 1] > 0 else -1
                p, q = (cv2.GaussianBlur(v, (0, 0), 1.5) for v in (p, q))
                (dx, dy), _ = cv2.phaseCorrelate(p - p.mean(), sign * (q - q.mean()), window)
                found.append(np.hypot(dx, dy))
    if not found:  # a piece too small for windows: at least its content must agree
        m = cv2.erode(seen, np.ones((3, 3))) > 0
        assert abs(np.corrcoef(a[m], b[m])[0, 1]) > 0.8
        return np.zeros(1)
    return np.array(found)


def test_a_companion_is_never_the_picture_itself() -> None:
    assert same_picture(PHOTO, attacked("jpeg_q30").rgb)
    assert not any(same_picture(PHOTO, other) for name, other in from_wheel().items() if name != "coffee")


@pytest.mark.parametrize("shape", [(230, 431, 3), (900, 300, 3)])
@pytest.mark.parametrize("name", CORE)
def test_any_shape_will_do(name: str, shape: tuple[int, int, int]) -> None:
    rgb = cv2.resize(PHOTO, shape[1::-1])
    assert min(CORE[name].apply(rgb, np.random.default_rng(1)).rgb.shape[:2]) >= 8


@pytest.mark.parametrize("kind", COLLUSIONS)
def test_colluders_change_nothing_where_their_copies_agree(kind: str) -> None:
    merged = COLLUSIONS[kind]([PHOTO] * 3, np.random.default_rng(2))
    lossy = kind in {"avg_jpeg75", "avg_social"}
    assert np.abs(merged.astype(int) - PHOTO).mean() <= (6 if lossy else 0)


def test_the_minority_shows_what_fewest_copies_show() -> None:
    copies = [np.full((8, 8, 3), value, np.uint8) for value in (10, 12, 12)]
    rng = np.random.default_rng(3)
    assert (COLLUSIONS["minority"](copies, rng) == 10).all()
    assert (COLLUSIONS["modneg"](copies, rng) == 10).all()
    assert (COLLUSIONS["median"](copies, rng) == 12).all()
    assert len(COLLUSIONS) >= 13
