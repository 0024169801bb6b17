"""The compact model of vision says what ColorVideoVDP says of marks like ours."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data

from watermark import visibility

REFERENCE = [  # cvvdp 0.5.7, display standard_fhd
    ("coffee", 1.5, 0.8, 9.9557),
    ("coffee", 4, 1.0, 9.8214),
    ("coffee", 8, 1.0, 9.8255),
    ("coffee", 8, 2.0, 9.4340),
    ("astronaut", 1.5, 0.8, 9.9556),
    ("astronaut", 4, 1.0, 9.8217),
    ("astronaut", 8, 1.0, 9.8231),
    ("astronaut", 8, 2.0, 9.4687),
]


@pytest.mark.parametrize(("name", "pitch", "amplitude", "jod"), REFERENCE)
def test_the_model_agrees_with_the_reference(name, pitch, amplitude, jod):
    photograph = getattr(skimage.data, name)()
    smooth = cv2.GaussianBlur(np.random.default_rng(3).normal(0, 1, photograph.shape[:2]), (0, 0), pitch / 3)
    mark = amplitude * smooth / smooth.std()
    copy = np.clip(np.rint(photograph + mark[..., None]), 0, 255).astype(np.uint8)
    assert visibility.jod(visibility.difference(photograph, copy)) == pytest.approx(jod, abs=0.007)


def test_a_background_looks_its_sensitivity_up_within_the_table():
    background = np.array([[0.001, 0.1, 1.0, 10.0, 249.9, 9999.0]], np.float32)
    expected = 10 ** np.interp(np.log10(background), visibility.LOG_LUMINANCE, visibility.SENSITIVITY[0, 1])
    np.testing.assert_allclose(visibility.sensitivity(0, 1, background), expected, rtol=0.01)
