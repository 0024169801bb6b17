"""Prepare an asset: solve the strength, cut the cells, encode the variants, index the landmarks. Once."""

import cv2
import numpy as np
from numpy.typing import NDArray

from . import jpeg, keys, registration, rendering, visibility
from .cells import canonical_shape
from .codebook import Codebook
from .errors import ImageTooSmall, WatermarkError
from .issuing import render, variant_amplitudes
from .mask import amplitude_mask
from .master import PLANE_SCALE, SEGMENT_PITCH, SEGMENT_SIDE, Design, Lattice, Master

MIN_SIDE_PX = 64
TARGET_JOD = 9.92
CHROMA_SHARE = 0.5  # more shows as tinted patches in smooth skies, which the vision model does not see
WEAKEST, STRONGEST = 0.05, 6.0
PNG_OPTIONS = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]


def prepare(rgb: NDArray[np.uint8], *, key: bytes, icc: bytes | None = None) -> Master:
    """Prepare an asset for issuing copies and reading leaks.

    Parameters
    ----------
    rgb : (H, W, 3) uint8, both sides at least 64 px.
    key : the asset's secret, 32 random bytes; never use one key for two assets.
    icc : the picture's colour profile, handed on to every copy.

    Raises
    ------
    InvalidKey
        If the key has not 32 bytes.
    ImageTooSmall
        If a side is shorter than 64 px.
    WatermarkError
        If `rgb` is not an (H, W, 3) array of uint8.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise WatermarkError(f"A picture must be (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}.")
    height, width = rgb.shape[:2]
    if min(height, width) < MIN_SIDE_PX:
        raise ImageTooSmall(f"The picture has {width}×{height} px; {MIN_SIDE_PX} px are the least on either side.")
    rgb = np.ascontiguousarray(rgb)
    small = shrink(rgb)
    draft = Design(height, width, 1.0, CHROMA_SHARE, segment_run(height, width))
    lattice = Lattice.build(key, draft)
    codebook = Codebook.build(key, lattice.count)
    minus, plus = variant_amplitudes(codebook.biases)
    sample = np.where(keys.uniform(key, "sample copy", lattice.count) < codebook.biases, plus, minus)[lattice.labels]
    mask = amplitude_mask(small, lattice.pattern * sample).astype(np.float16)
    strength = solve_strength(small, lattice.pattern * mask.astype(np.float32) * sample)
    design = Design(height, width, strength, CHROMA_SHARE, draft.run)
    variants = None
    if design.run:
        variants = (
            jpeg.encode(render(rgb, design, lattice, mask, minus), icc, design.run),
            jpeg.encode(render(rgb, design, lattice, mask, plus), icc, design.run),
        )
    planes = luma_and_cb(rgb, (small.shape[0], small.shape[1]))
    encoded, png = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), PNG_OPTIONS)
    if not encoded:
        raise WatermarkError("The picture could not be stored losslessly.")
    return Master(
        key=key,
        design=design,
        mask=mask,
        planes=np.rint(planes * PLANE_SCALE).clip(0, 65535).astype(np.uint16),
        landmarks=registration.Index.build(luma(rgb), planes[0]).to_arrays(),
        original=png.tobytes(),
        variants=variants,
        icc=icc,
    )


def segment_run(height: int, width: int) -> int:
    """MCUs per restart segment, or 0 where encoding a copy is cheap enough to cut finer, free cells."""
    side = max(height, width)
    if side < SEGMENT_SIDE:
        return 0
    return max(
        1, round(SEGMENT_PITCH * side / canonical_shape(height, width)[0 if height > width else 1] / jpeg.MCU_PX)
    )


def solve_strength(rgb: NDArray[np.uint8], mark: NDArray[np.float32]) -> float:
    """Find the strength at which a copy is 9.92 just-objectionable differences from its original.

    Parameters
    ----------
    rgb : (h, w, 3) uint8, the canonical raster.
    mark : (h, w) float32, the mark of a sample copy at strength 1.
    """
    strength, target = 0.6, np.log(10 - TARGET_JOD)
    points: list[tuple[float, float]] = []
    for _ in range(4):
        copy = rendering.add_mark(rgb, mark * np.float32(strength), CHROMA_SHARE)
        visible = np.log(max(10 - visibility.jod(visibility.difference(rgb, copy)), 1e-4))
        points.append((np.log(strength), visible))
        if abs(np.exp(visible) - np.exp(target)) < 0.002:
            break
        slope = 2.0
        if len(points) > 1 and abs(points[-1][0] - points[-2][0]) > 0.01:
            slope = np.clip((points[-1][1] - points[-2][1]) / (points[-1][0] - points[-2][0]), 1.0, 3.0)
        step = np.clip((target - visible) / slope, -2, 2)
        strength = float(np.clip(strength * np.exp(step), WEAKEST, STRONGEST))
    return strength


def shrink(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture on its canonical raster: (h, w, 3) uint8."""
    height, width = canonical_shape(*rgb.shape[:2])
    return cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA) if rgb.shape[:2] != (height, width) else rgb


def luma(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Luma after ITU-R BT.601: (H, W) float32, 0 … 255."""
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)


def luma_and_cb(rgb: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Luma and Cb planes on a raster of `shape`, averaged over area before rounding: (2, h, w) float32."""
    ycc = cv2.cvtColor(rgb.astype(np.float32), cv2.COLOR_RGB2YCrCb)
    if rgb.shape[:2] != shape:
        ycc = cv2.resize(ycc, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    planes = np.stack([ycc[..., 0], ycc[..., 2]])
    planes[1] += np.float32(127.5)  # OpenCV centres chroma of floating-point pictures on 0.5
    return planes
