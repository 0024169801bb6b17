"""Blur, sharpening, noise and denoising; radii and deviations in pixels and levels of the attacked picture."""

from __future__ import annotations

import cv2
import numpy as np

from benchmarks.attacks.attack import Attack, Rgb, Transform, in_place, in_strips


def gaussian_blur(sigma: float) -> Transform:
    """Blur with a Gaussian of `sigma` px."""
    return in_place(lambda rgb, _: cv2.GaussianBlur(rgb, (0, 0), sigma))


def motion_blur(length: int) -> Transform:
    """Average along a line of `length` px in a random direction."""

    def change(rgb: Rgb, rng: np.random.Generator) -> Rgb:
        kernel = np.zeros((length, length), np.float32)
        angle = rng.uniform(0, np.pi)
        reach = (length - 1) / 2
        for t in np.linspace(-reach, reach, 4 * length):
            kernel[round(reach + t * np.sin(angle)), round(reach + t * np.cos(angle))] += 1
        return cv2.filter2D(rgb, -1, kernel / kernel.sum())

    return in_place(change)


def unsharp(amount: float, sigma: float) -> Transform:
    """Add `amount` of what a Gaussian blur of `sigma` px removes."""

    def change(rgb: Rgb, _: np.random.Generator) -> Rgb:
        return cv2.addWeighted(rgb, 1 + amount, cv2.GaussianBlur(rgb, (0, 0), sigma), -amount, 0)

    return in_place(change)


def gaussian_noise(sigma: float) -> Transform:
    """Add independent Gaussian noise of `sigma` levels."""

    def change(rgb: Rgb, rng: np.random.Generator) -> Rgb:
        return in_strips(rgb, lambda s: s + np.float32(sigma) * rng.standard_normal(s.shape, np.float32))

    return in_place(change)


def speckle(share: float) -> Transform:
    """Multiply every sample by 1 + `share` · Gaussian."""

    def change(rgb: Rgb, rng: np.random.Generator) -> Rgb:
        return in_strips(rgb, lambda s: s * (1 + np.float32(share) * rng.standard_normal(s.shape, np.float32)))

    return in_place(change)


def salt_and_pepper(share: float) -> Transform:
    """Turn `share` of the pixels black or white."""

    def change(rgb: Rgb, rng: np.random.Generator) -> Rgb:
        out = rgb.copy()
        for top in range(0, rgb.shape[0], 256):
            strip = out[top : top + 256]
            draw = rng.random(strip.shape[:2], np.float32)
            strip[draw < share / 2] = 0
            strip[draw > 1 - share / 2] = 255
        return out

    return in_place(change)


def non_local_means(strength: float) -> Transform:
    """Average similar patches (Buades, Coll, Morel 2005, doi:10.1109/CVPR.2005.38); `strength` in levels."""
    return in_place(lambda rgb, _: cv2.fastNlMeansDenoisingColored(rgb, None, strength, strength, 5, 15))


ATTACKS = (
    Attack("blur_1", "blur", gaussian_blur(1)),
    Attack("blur_2", "blur", gaussian_blur(2), core=True),
    Attack("blur_3", "blur", gaussian_blur(3)),
    Attack("blur_5", "blur", gaussian_blur(5)),
    Attack("median_5", "blur", in_place(lambda rgb, _: cv2.medianBlur(rgb, 5))),
    Attack("motion_9", "blur", motion_blur(9)),
    Attack("bilateral", "blur", in_place(lambda rgb, _: cv2.bilateralFilter(rgb, 9, 40, 5))),
    Attack("sharpen_15", "sharpen", unsharp(1.5, 1.5)),
    Attack("sharpen_30", "sharpen", unsharp(3.0, 3.0)),
    Attack("noise_5", "noise", gaussian_noise(5)),
    Attack("noise_15", "noise", gaussian_noise(15), core=True),
    Attack("noise_30", "noise", gaussian_noise(30)),
    Attack("noise_40", "noise", gaussian_noise(40)),
    Attack("salt_pepper_2", "noise", salt_and_pepper(0.02)),
    Attack("speckle_20", "noise", speckle(0.2)),
    Attack("nlm_5", "denoise", non_local_means(5)),
    Attack("nlm_10", "denoise", non_local_means(10), core=True),
)
