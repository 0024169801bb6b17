"""The permutations of a descriptor that stand for a mirrored and a negative picture."""

import cv2
import numpy as np
import pytest
import skimage.data

from watermark.registration.features import detect, permutation, root
from watermark.registration.geometry import resize_matrix

LEVELS = ((400, 300), (200, 100))


@pytest.fixture(scope="module")
def luma():
    return cv2.cvtColor(np.asarray(skimage.data.coffee()), cv2.COLOR_RGB2GRAY).astype(np.float32)


@pytest.mark.parametrize(("mirrored", "inverted"), [(True, False), (False, True), (True, True)])
def test_a_mirrored_or_negative_picture_has_permuted_descriptors(luma, mirrored, inverted):
    changed = luma[:, ::-1] if mirrored else luma
    changed = np.ascontiguousarray(255 - changed if inverted else changed)
    plain, other = detect(luma, LEVELS), detect(changed, LEVELS)
    similarity = root(plain.descriptors) @ root(other.descriptors[:, permutation(mirrored, inverted)]).T
    assert np.median(similarity.max(1)) > 0.98


def test_permutations_undo_themselves():
    for mirrored in (False, True):
        for inverted in (False, True):
            order = permutation(mirrored, inverted)
            assert np.array_equal(order[order], np.arange(128))


def test_every_part_of_a_picture_keeps_its_share_of_key_points(luma):
    loud = luma.copy()
    loud[:, :300] = np.random.default_rng(0).uniform(0, 255, (400, 300))
    points = detect(loud, ((600, 500),)).points
    assert (points[:, 0] > 320).sum() > 50


def test_key_points_of_all_levels_are_in_the_pixels_of_the_picture(luma):
    points = detect(luma, LEVELS).points
    assert points[:, :2].min() >= -1
    assert (points[:, :2].max(0) < [600, 400]).all()


def test_no_key_point_is_taken_for_two_levels(luma):
    points = detect(luma, LEVELS).points
    assert len(np.unique(points, axis=0)) == len(points)


def test_the_smaller_level_has_a_share_of_its_own_of_the_coarser_octaves(luma):
    alone, both = (detect(luma, levels).points[:, 2] for levels in (LEVELS[:1], LEVELS))
    assert len(alone) == LEVELS[0][1]
    assert len(both) == LEVELS[0][1] + LEVELS[1][1]
    assert np.median(both[len(alone) :]) > 1.5 * np.median(alone)


def test_a_resize_keeps_the_centre_in_place():
    shrink = resize_matrix((400, 600), (100, 150))
    assert np.allclose(shrink @ [299.5, 199.5, 1], [74.5, 49.5, 1])
