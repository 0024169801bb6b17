"""Maps between rasters: resizing, estimating a homography from matches, and judging whether one is sane.

Pixel convention throughout: the centre of the top-left pixel is (0, 0), so a resize by ``s`` maps ``x`` to
``s * (x + 1/2) - 1/2``. Homographies are 3x3 float64 and act on column vectors ``(x, y, 1)``.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.averaging import averaged

Plane = NDArray[np.float32]
Matrix = NDArray[np.float64]

_FREEDOM_PRICE = 1.1, 2  # a model with more freedom must explain 10 % + 2 matches more
_GROWTH = 0.01, 50.0  # smallest and largest local magnification that a leak can have
_SHEAR = 3.0  # largest ratio of the two


def resize_matrix(source: tuple[int, ...], target: tuple[int, ...]) -> Matrix:
    """Map of pixel centres when a raster of shape `source` (rows, columns) is resized to shape `target`.

    Examples
    --------
    >>> resize_matrix((4, 4), (2, 2))[0].tolist()
    [0.5, 0.0, -0.25]
    """
    sy, sx = target[0] / source[0], target[1] / source[1]
    return np.array([[sx, 0, 0.5 * sx - 0.5], [0, sy, 0.5 * sy - 0.5], [0, 0, 1]])


def resized(picture: Plane | NDArray[np.uint8], side: float) -> tuple[Plane, Matrix]:
    """`picture` with its long side brought to `side` px, and the map of its pixels; never below 8 px a side."""
    h, w = picture.shape
    scale = side / max(h, w)
    target = max(8, round(h * scale)), max(8, round(w * scale))
    if scale < 1:
        return averaged(picture, target), resize_matrix((h, w), target)
    exact = np.asarray(picture, np.float32)
    if target == (h, w):
        return exact, np.eye(3)
    return cv2.resize(exact, target[::-1], interpolation=cv2.INTER_CUBIC), resize_matrix((h, w), target)


def inverse(matrix: Matrix) -> Matrix:
    """The inverse map."""
    return np.asarray(np.linalg.inv(matrix), np.float64)


def shift(dx: float, dy: float) -> Matrix:
    """Translation by (dx, dy) px."""
    return np.array([[1.0, 0, dx], [0, 1, dy], [0, 0, 1]])


def mirror(width: int) -> Matrix:
    """Left-right mirror of a raster `width` px wide."""
    return np.array([[-1.0, 0, width - 1], [0, 1, 0], [0, 0, 1]])


def quarter_turns(shape: tuple[int, ...], turns: int) -> Matrix:
    """Map of pixels when a raster of `shape` is turned by ``np.rot90(raster, turns)``."""
    h, w = shape[:2]
    return [
        np.eye(3),
        np.array([[0.0, 1, 0], [-1, 0, w - 1], [0, 0, 1]]),
        np.array([[-1.0, 0, w - 1], [0, -1, h - 1], [0, 0, 1]]),
        np.array([[0.0, -1, h - 1], [1, 0, 0], [0, 0, 1]]),
    ][turns % 4]


def project(points: NDArray[np.floating], homography: Matrix) -> NDArray[np.float64]:
    """`points`, shape (n, 2), through `homography`; shape (n, 2)."""
    out: NDArray[np.float64] = cv2.perspectiveTransform(np.asarray(points, np.float64)[:, None], homography)[:, 0]
    return out


def corners(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Centres of the four corner pixels of a raster, shape (4, 2), in order around it."""
    h, w = shape[:2]
    return np.array([[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]], float)


def is_mirroring(homography: Matrix) -> bool:
    """Whether the map reverses orientation."""
    return bool(np.linalg.det(homography[:2, :2] / homography[2, 2]) < 0)


def is_plausible(homography: Matrix) -> bool:
    """Whether a leak can have come about this way: finite, not collapsed, not sheared beyond recognition."""
    if not np.isfinite(homography).all() or abs(homography[2, 2]) < 1e-9:
        return False
    large, small = np.linalg.svd(homography[:2, :2] / homography[2, 2], compute_uv=False)
    return bool(small > _GROWTH[0] and large < _GROWTH[1] and large / small < _SHEAR)


def disagreement(first: Matrix, second: Matrix, leak: tuple[int, ...], raster: tuple[int, ...]) -> float:
    """Median distance between two maps over the part of `raster` that `first` covers, in raster px."""
    h, w = leak[:2]
    grid = np.stack(np.meshgrid(np.linspace(0, w - 1, 17), np.linspace(0, h - 1, 17)), -1).reshape(-1, 2)
    a, b = project(grid, first), project(grid, second)
    inside = (a >= 0).all(1) & (a[:, 0] < raster[1]) & (a[:, 1] < raster[0])
    if not inside.any():
        inside[:] = True
    return float(np.median(np.hypot(*(a - b)[inside].T)))


def estimate(
    source: NDArray[np.floating], target: NDArray[np.floating], threshold_px: float
) -> tuple[Matrix | None, int]:
    """Similarity, affinity or homography through most of the matches.

    Each richer model replaces the one before only if it explains markedly more matches. The homography is MAGSAC++
    (Barath et al. 2020, doi:10.1109/CVPR42600.2020.00138). All three draw from generators of their own with a fixed
    state: the same matches always give the same map, whatever other threads do.

    Parameters
    ----------
    source, target : ndarray, shape (n, 2)
        Matched places, px. They must not be mirror images of each other.
    threshold_px : float
        Distance in `target` below which a match agrees.

    Returns
    -------
    homography : ndarray, shape (3, 3), float64, or None
    inliers : int
    """
    src, dst = np.asarray(source, np.float32), np.asarray(target, np.float32)
    best: Matrix | None = None
    most = -1
    for smallest, model in ((3, _similarity), (6, _affinity), (10, _homography)):
        if len(src) < smallest:
            break
        candidate = model(src, dst, threshold_px)
        if candidate is None or not is_plausible(candidate):
            continue
        count = int((np.hypot(*(project(src, candidate) - dst).T) < threshold_px).sum())
        if best is None or count >= _FREEDOM_PRICE[0] * most + _FREEDOM_PRICE[1]:
            best, most = candidate, count
    return (best, most) if most >= 3 else (None, 0)


def _similarity(src: Plane, dst: Plane, threshold_px: float) -> Matrix | None:
    found, _ = cv2.estimateAffinePartial2D(
        src, dst, method=cv2.RANSAC, ransacReprojThreshold=threshold_px, maxIters=1000, confidence=0.999
    )
    return None if found is None else np.vstack([found, [0, 0, 1]])


def _affinity(src: Plane, dst: Plane, threshold_px: float) -> Matrix | None:
    found, _ = cv2.estimateAffine2D(
        src, dst, method=cv2.RANSAC, ransacReprojThreshold=threshold_px, maxIters=2000, confidence=0.999
    )
    return None if found is None else np.vstack([found, [0, 0, 1]])


def _homography(src: Plane, dst: Plane, threshold_px: float) -> Matrix | None:
    params = cv2.UsacParams()
    params.threshold, params.confidence, params.maxIterations = threshold_px, 0.9999, 3000
    params.sampler, params.score = cv2.SAMPLING_UNIFORM, cv2.SCORE_METHOD_MAGSAC
    params.loMethod, params.loSampleSize, params.loIterations = cv2.LOCAL_OPTIM_SIGMA, 50, 25
    params.final_polisher = cv2.MAGSAC
    params.randomGeneratorState, params.isParallel = 0, False
    found, _ = cv2.findHomography(src, dst, params)
    return None if found is None or not np.isfinite(found).all() else np.asarray(found, np.float64)
