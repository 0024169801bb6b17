"""Key points found and described in one pass are those that OpenCV finds, and describes, in two."""

import cv2
import numpy as np
import pytest
import skimage.data
from scipy.spatial import cKDTree

from watermark.registration import sift
from watermark.registration.features import FoundByOpenCV

CONTRAST, EDGE = 0.004, 12.0
PICTURES = {
    "coffee": cv2.cvtColor(np.asarray(skimage.data.coffee()), cv2.COLOR_RGB2GRAY),
    "page": np.asarray(skimage.data.page()),
    "narrow": np.asarray(skimage.data.camera())[150:214],
}


@pytest.fixture(scope="module", params=PICTURES, ids=str)
def found(request):
    picture = PICTURES[request.param]
    return sift.find(picture, CONTRAST, EDGE), FoundByOpenCV.of(picture, CONTRAST, EDGE)


def nearest(wanted, among):
    """How far the nearest key point of like octave, diameter and angle is, and which it is."""
    places = []
    for key_points in (wanted, among):
        turn = np.radians(key_points.points[:, 3])
        places.append(np.c_[key_points.points[:, :3], 3 * np.cos(turn), 3 * np.sin(turn), 50 * key_points.octaves])
    return cKDTree(places[1]).query(places[0])


def test_nearly_all_key_points_are_those_of_opencv(found):
    ours, theirs = found
    assert len(ours.points) > 100
    for wanted, among in ((ours, theirs), (theirs, ours)):
        apart, which = nearest(wanted, among)
        assert np.mean(apart < 0.05) > 0.98
        assert among.strengths[which[apart < 0.05]] == pytest.approx(wanted.strengths[apart < 0.05], rel=0.01)


def test_descriptors_are_those_of_opencv_to_a_level(found):
    ours, theirs = found
    apart, which = nearest(theirs, ours)
    same = np.flatnonzero(apart < 0.05)
    levels = np.abs(ours.described(which[same]).astype(int) - theirs.described(same))
    assert np.mean(levels.max(1) <= 1) > 0.99


@pytest.mark.parametrize("shape", [(64, 64), (65, 301)])
def test_a_blank_picture_has_no_key_points(shape):
    found = sift.find(np.full(shape, 90, np.uint8), CONTRAST, EDGE)
    assert found.points.shape == (0, 4)
    assert found.described(np.zeros(0, np.intp)).shape == (0, 128)
