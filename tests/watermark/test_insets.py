"""Pictures that stand out from the ground of a page, and words that do not."""

import cv2
import numpy as np
import pytest

from watermark.fingerprint import CONFIDENT_RADIUS, hamming, inset_pdq, pdq
from watermark.insets import Inset, insets


def plain() -> np.ndarray:
    """A picture without key points: three areas, of which one is white."""
    rgb = np.full((300, 400, 3), (10, 30, 90), np.uint8)
    cv2.fillPoly(rgb, [np.int32([[0, 140], [220, 90], [220, 300], [0, 300]])], (0, 85, 115))
    cv2.fillPoly(rgb, [np.int32([[220, 90], [400, 150], [400, 300], [220, 300]])], (215, 243, 228))
    return rgb


def page(ground: int, ink: int) -> np.ndarray:
    """Words."""
    rgb = np.full((900, 1300, 3), ground, np.uint8)
    for line in range(20, 900, 36):
        cv2.putText(rgb, "Lorem ipsum dolor sit amet, consectetur " * 2, (20, line), 0, 0.8, (ink,) * 3, 2)
    return rgb


@pytest.mark.parametrize(("ground", "ink"), [(255, 30), (18, 220)])
def test_a_picture_among_words_is_framed_to_the_pixel_or_two(ground: int, ink: int) -> None:
    rgb = page(ground, ink)
    rgb[250:600, 500:960] = ground
    rgb[275:575, 530:930] = plain()
    (found,) = insets(rgb)
    assert np.abs(np.subtract(found, Inset(530, 275, 400, 300))).max() <= 3


def test_a_letterbox_frames_its_picture_whatever_covers_more() -> None:
    rgb = np.zeros((400, 400, 3), np.uint8)
    rgb[50:350] = plain()
    assert any(np.abs(np.subtract(found, Inset(0, 50, 400, 300))).max() <= 2 for found in insets(rgb))


def test_words_alone_and_blank_pictures_set_nothing_in() -> None:
    assert len(inset_pdq(page(255, 30))) == 0
    assert insets(np.full((500, 700, 3), 128, np.uint8)) == []


def test_a_picture_set_into_a_page_has_its_own_hash() -> None:
    rgb = page(255, 30)
    rgb[250:600, 500:960] = 255
    rgb[275:575, 530:930] = plain()
    own = pdq(plain())[0]
    assert hamming(own, pdq(rgb)[0][0]).min() > CONFIDENT_RADIUS
    assert min(hamming(own, code).min() for code in inset_pdq(rgb)) <= CONFIDENT_RADIUS


@pytest.mark.parametrize("shape", [(1, 1), (2, 5000), (9000, 1)])
def test_a_sliver_has_no_insets(shape: tuple[int, int]) -> None:
    assert insets(np.zeros((*shape, 3), np.uint8)) == []


def test_what_says_too_little_is_not_hashed() -> None:
    rgb = page(255, 30)
    rgb[250:600, 500:960] = (200, 120, 90)
    assert len(insets(rgb)) == 1
    assert inset_pdq(rgb).shape == (0, 32)
