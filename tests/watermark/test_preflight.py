"""The certificate tells before release what the copies will bear."""

import numpy as np
import pytest
import skimage.data

import watermark
from watermark import preflight

KEY = bytes(range(32))


@pytest.fixture(scope="module")
def certificate():
    return preflight.certify(watermark.prepare(skimage.data.coffee(), key=KEY))


def test_a_photograph_is_released(certificate):
    assert certificate.released
    assert certificate.reason is None
    assert certificate.hint is None


def test_more_damage_of_a_kind_leaves_a_lower_score(certificate):
    scores = {r.name: r.score for r in certificate.rungs}
    assert scores["JPEG quality 50"] > scores["JPEG quality 15"] > scores["JPEG quality 8"]
    assert scores["crop to a quarter"] > scores["crop to a tenth"] > scores["crop to a thirtieth"]


def test_the_known_and_the_found_place_of_a_crop_score_alike(certificate):
    scores = {r.name: r.score for r in certificate.rungs}
    assert scores[preflight.REGISTERED] == pytest.approx(scores["crop to a quarter"], rel=0.1)


def test_the_map_tells_where_the_asset_carries(certificate):
    assert certificate.carries.shape == (400 // 8, 600 // 8)
    assert certificate.carries.min() >= 0
    assert certificate.carries.max() == 1


def test_a_picture_too_small_to_survive_is_held_with_the_reason():
    tiny = np.ascontiguousarray(skimage.data.coffee()[100:164, 100:164])
    held = preflight.certify(watermark.prepare(tiny, key=KEY))
    assert not held.released
    assert held.weakest.name in held.reason
    assert held.hint
