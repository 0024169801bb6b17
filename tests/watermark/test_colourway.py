"""Colour tells one garment's colourways apart, whatever happened to the colours of the whole picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks.attacks import SUITE
from benchmarks.photographs import from_wheel
from watermark import colourway, landmarks

PHOTOS = from_wheel()
PARTS = {"coffee": (0.25, 0.2, 0.85, 0.8), "astronaut": (0.05, 0.4, 0.95, 1.0), "cat": (0.2, 0.0, 0.8, 0.95)}
TURNS = (-70, 80)


def recoloured(name: str, degrees: int) -> np.ndarray:
    """The photograph with the hue of one part turned, as a garment dyed otherwise: soft edges, luma kept."""
    rgb = PHOTOS[name]
    height, width = rgb.shape[:2]
    left, top, right, bottom = PARTS[name]
    mask = np.zeros((height, width), np.float32)
    mask[int(top * height) : int(bottom * height), int(left * width) : int(right * width)] = 1
    saturated = (rgb.max(axis=-1).astype(int) - rgb.min(axis=-1) > 40).astype(np.float32)
    mask = cv2.GaussianBlur(mask * saturated, (0, 0), 1.5)[..., None]
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    ab = lab[..., 1:] + 12 * mask
    turned = np.stack([c * ab[..., 0] - s * ab[..., 1], s * ab[..., 0] + c * ab[..., 1]], axis=-1)
    lab[..., 1:] = lab[..., 1:] * (1 - mask) + 1.3 * turned * mask
    return np.clip(np.rint(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255), 0, 255).astype(np.uint8)


def family(name: str) -> dict[str, np.ndarray]:
    return {"as shot": PHOTOS[name]} | {f"turned {d}": recoloured(name, d) for d in TURNS}


@pytest.mark.parametrize("name", sorted(PARTS))
@pytest.mark.parametrize(
    "attack", ["jpeg_q30", "filter_warm", "filter_cold", "crop_50", "webpage_45", "screenshot_phone", "flip_h"]
)
def test_the_right_colourway_is_named_after_an_attack(name: str, attack: str) -> None:
    index = landmarks.LandmarkIndex()
    pictures = family(name)
    for colour, rgb in pictures.items():
        index.add(colour, landmarks.describe(rgb))
    for colour, rgb in pictures.items():
        leaked = SUITE[attack].apply(rgb, np.random.default_rng(8)).rgb
        found = index.search(landmarks.query(leaked))
        assert found[0].asset_id == colour


@pytest.mark.parametrize("attack", ["identity", "jpeg_q15", "filter_warm", "filter_cold", "gamma_170", "greyscale"])
def test_what_changes_all_colours_alike_is_no_other_colourway(attack: str) -> None:
    rgb = PHOTOS["coffee"]
    changed = SUITE[attack].apply(rgb, np.random.default_rng(8)).rgb
    like = colourway.compare(colourway.thumbnail(rgb), rgb.shape[:2], changed, np.eye(3))
    assert like.structure > 0.95
    assert like.colour < 12


def test_a_picture_that_lies_outside_the_asset_is_alike_in_nothing() -> None:
    rgb = PHOTOS["coffee"]
    away = np.array([[1.0, 0, 10_000], [0, 1, 0], [0, 0, 1]])
    like = colourway.compare(colourway.thumbnail(rgb), rgb.shape[:2], rgb, away)
    assert like.structure == 0
    assert like.colour == np.inf
