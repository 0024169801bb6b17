"""From a few pixels off to a few hundredths: the leak's brightness itself is aligned with the original's.

Gauss-Newton on the photometric residual (Lucas-Kanade in the inverse-compositional spirit of Baker & Matthews 2004,
doi:10.1023/B:VISI.0000011205.11775.fd): with gradient ``g`` of the original, gain ``a`` and residual ``R`` of the local
brightness fit, and local variance ``v`` of that residual, the displacement ``d`` minimises

    sum  (R + a g . d)^2 / v

Sums are taken per block of 16 px first: each block gives a 2x2 matrix and a vector, and all that follows (limits on
what one block may say, robust weights, the 8 parameters of a homography, or a smooth flow) is arithmetic on a few
thousand blocks instead of a million pixels.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.registration import photometry
from watermark.registration.evidence import block_sums, compare, seen
from watermark.registration.geometry import Matrix, Plane, inverse, is_plausible
from watermark.registration.index import Raster
from watermark.registration.warping import Leak

BLOCK = 16  # px
_GRADIENT_SIGMA = 1.0
_PHOTOMETRY_SIGMA = 24.0  # px at full canonical size; shrinks with the root of the reduction
_MASK_SIGMA = 20.0
_VARIANCE_SIGMA = 6.0
_VARIANCE_FLOOR = 0.3
_LOUDEST = 40.0  # information beyond which a block's voice grows no more in proportion
_DISAGREEMENT = 0.5  # px^2, scale of the Cauchy weight on a block's own opinion
_LONGEST_STEP_PX = 6.0
_CONVERGED_PX = 0.01
_PRIOR = 20 * np.array([0, 0, 0.3, 0.3, 0.3, 0.3, 1, 1]) + 1e-3  # holds back freedom that the picture cannot decide
_LEAST_COVER = 0.001
_MASK_COVER = 0.002, 0.8  # an evidence mask is used if it is neither empty nor nearly everything

_FLOW_LEVELS = (4, 20, 1.0), (2, 8, 1.0), (1, 3, 2.0)  # reduction, iterations, smoothing in blocks
_FLOW_RIDGE = 1.0
_FLOW_STEP_PX = 3.0
_FLOW_GAIN = 1.01  # evidence must rise by 1 % before 8 parameters become a field
_AGREED = 0.9  # agreement from which there is no bend to look for
_FLOW_SETTLED = 1.002  # and by 0.2 % for another step


class _Normals(NamedTuple):
    """Per block: the 2x2 normal matrix (xx, xy, yy) and right-hand side (x, y), shape (rows, columns) each."""

    xx: NDArray[np.floating]
    xy: NDArray[np.floating]
    yy: NDArray[np.floating]
    x: NDArray[np.floating]
    y: NDArray[np.floating]

    def weighted(self, weight: NDArray[np.floating]) -> _Normals:
        return _Normals(*(part * weight for part in self))

    def solved(self, ridge: float) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Each block's own displacement, px."""
        xx, yy = self.xx + ridge, self.yy + ridge
        determinant = xx * yy - self.xy**2
        return (yy * self.x - self.xy * self.y) / determinant, (xx * self.y - self.xy * self.x) / determinant


class _Template(NamedTuple):
    """The original as Gauss-Newton needs it: smoothed, with its gradient."""

    picture: Plane
    dx: Plane
    dy: Plane

    @classmethod
    def of(cls, picture: Plane) -> _Template:
        smooth = photometry.blur(picture, _GRADIENT_SIGMA)
        dx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)
        dy = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
        return cls(smooth, dx, dy)

    def normals(self, warped: Plane, mask: Plane, sigma: float) -> _Normals:
        """Block sums for one warped leak; blocks of strong edges are held down so that none rules alone."""
        smooth = photometry.blur(warped, _GRADIENT_SIGMA)
        residual, gain = photometry.fit(self.picture, smooth, mask, sigma)
        total = photometry.wide_blur(mask, _VARIANCE_SIGMA) + 1e-3
        variance = photometry.wide_blur(residual * residual, _VARIANCE_SIGMA) / total + _VARIANCE_FLOOR
        gx, gy = gain * self.dx, gain * self.dy
        weight = mask / variance
        wx, wy = weight * gx, weight * gy
        products = wx * gx, wx * gy, wy * gy, -wx * residual, -wy * residual
        normals = _Normals(*(block_sums(product, BLOCK) for product in products))
        loudness = normals.xx + normals.yy
        return normals.weighted(np.sqrt(np.minimum(1, _LOUDEST / (loudness + 1e-6))))


def refine(
    raster: Raster,
    leak: Leak,
    homography: Matrix,
    *,
    iterations: int,
    freedom: int = 8,
    masked: bool = False,
    area: Plane | None = None,
) -> Matrix | None:
    """Direct refinement of a homography.

    Parameters
    ----------
    raster : Raster
        The original, or the window of it that the leak can show.
    leak : Leak
        Already reversed if it is a negative.
    homography : ndarray, shape (3, 3)
        Leak pixel -> canonical pixel.
    iterations : int
        At most; stops at steps below 0.01 px.
    freedom : {4, 6, 8}
        Parameters: similarity, affinity, homography.
    masked : bool
        Sum only where the leak shows the original: right for a fit that is nearly right, where other tiles of a
        collage would pull it away; wrong for a rough one, which would be frozen.
    area : ndarray, shape of `raster`, float32, 0 or 1, optional
        Sum only there.

    Returns
    -------
    ndarray, shape (3, 3), or None
        None if the leak left the raster or the map became absurd.
    """
    if min(raster.shape) < BLOCK:
        return None
    template = _Template.of(raster.picture)
    basis = _Motion.over(raster.shape, freedom)
    spread = raster.reduction**0.5
    current = raster.from_canonical @ homography
    for _ in range(iterations):
        warped, mask = leak.onto(current, raster.shape)
        if mask.mean() < _LEAST_COVER:
            return None
        if area is not None:
            mask = mask * area
        if masked:
            mask = _where_seen(raster.picture, warped, mask, _MASK_SIGMA / spread)
        motion = basis.solve(template.normals(warped, mask, _PHOTOMETRY_SIGMA / spread))
        step = float(np.abs(motion[:2]).max() + np.abs(motion[2:]).max(initial=0))
        if not np.isfinite(step):
            return None
        current = basis.undo(motion * min(1.0, _LONGEST_STEP_PX / (step + 1e-9))) @ current
        current /= current[2, 2]
        if not is_plausible(current):
            return None
        if step < _CONVERGED_PX:
            break
    refined: Matrix = inverse(raster.from_canonical) @ current
    return refined / refined[2, 2]


def _where_seen(original: Plane, warped: Plane, mask: Plane, sigma: float) -> Plane:
    shown = seen(original, warped, mask, sigma)
    return shown if _MASK_COVER[0] < shown.mean() < _MASK_COVER[1] * mask.mean() else mask


class _Motion(NamedTuple):
    """Small motions of a raster, linear in up to 8 parameters, each in px at the raster's edge.

    Attributes
    ----------
    x, y : ndarray, shape (parameters, rows, columns)
        Displacement of every block by a unit of each parameter.
    to_unit : ndarray, shape (3, 3)
        Raster pixel -> coordinates in -1..1.
    radius : float
        Half of the raster's long side, px.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    to_unit: Matrix
    radius: float

    @classmethod
    def over(cls, shape: tuple[int, int], freedom: int) -> _Motion:
        h, w = shape
        radius = max(h, w) / 2
        rows, columns = np.mgrid[0 : h // BLOCK, 0 : w // BLOCK]
        x, y = ((columns + 0.5) * BLOCK - w / 2) / radius, ((rows + 0.5) * BLOCK - h / 2) / radius
        one, none = np.ones_like(x), np.zeros_like(x)
        #        shift x, y, growth, turn, shear 1, shear 2, tilt x, tilt y
        along_x = np.stack([one, none, x, -y, y, none, x * x, x * y])
        along_y = np.stack([none, one, y, x, none, y, x * y, y * y])
        to_unit = np.array([[1 / radius, 0, -w / 2 / radius], [0, 1 / radius, -h / 2 / radius], [0, 0, 1]])
        return cls(along_x[:freedom], along_y[:freedom], to_unit, radius)

    def solve(self, normals: _Normals) -> NDArray[np.float64]:
        """The motion that the blocks agree on: solved twice, the second time with blocks that object weighted down."""
        motion = self._solve(normals)
        own_x, own_y = normals.solved(ridge=2.0)
        distance = (own_x - np.tensordot(motion, self.x, 1)) ** 2 + (own_y - np.tensordot(motion, self.y, 1)) ** 2
        motion = self._solve(normals.weighted(1 / (1 + distance / _DISAGREEMENT)))
        return np.concatenate([motion, np.zeros(8 - len(motion))])

    def _solve(self, n: _Normals) -> NDArray[np.float64]:
        matrix = np.einsum("ihw,jhw->ij", self.x, n.xx * self.x + n.xy * self.y)
        matrix += np.einsum("ihw,jhw->ij", self.y, n.xy * self.x + n.yy * self.y)
        side = np.einsum("ihw,hw->i", self.x, n.x) + np.einsum("ihw,hw->i", self.y, n.y)
        return np.linalg.solve(matrix + np.diag(_PRIOR[: len(matrix)]), side)

    def undo(self, motion: NDArray[np.float64]) -> Matrix:
        """The map of raster pixels that takes the motion back, as a homography."""
        u, v, growth, turn, shear_1, shear_2, tilt_x, tilt_y = motion / self.radius
        forward = np.array([[1 + growth, shear_1 - turn, u], [turn, 1 + growth + shear_2, v], [-tilt_x, -tilt_y, 1]])
        return inverse(self.to_unit) @ inverse(forward) @ self.to_unit


def smooth_flow(raster: Raster, leak: Leak, homography: Matrix) -> Plane | None:
    """What a homography leaves over: the bend of paper, the distortion of a lens.

    The block equations, smoothed over a block or two, give every block a displacement; steps go on while the evidence
    rises. A quarter-size and a half-size raster go first, since a step sees no farther than a few pixels.

    Parameters
    ----------
    raster : Raster
        At full canonical size (reduction 1); may be a window.
    leak : Leak
        Already reversed if it is a negative.
    homography : ndarray, shape (3, 3)
        Leak pixel -> canonical pixel.

    Returns
    -------
    ndarray, shape (2, h, w), float32, or None
        px of `raster`; None if the homography alone is as good.
    """
    flow: Plane | None = None
    for factor, iterations, smoothing in _FLOW_LEVELS:
        level = raster.reduced(factor)
        if min(level.shape) >= 2 * BLOCK:
            flow = _flow_on(level, leak, homography, _stretched(flow, level.shape), iterations, smoothing)
    return flow


def _flow_on(
    raster: Raster, leak: Leak, homography: Matrix, start: Plane | None, iterations: int, smoothing: float
) -> Plane | None:
    """Flow on one raster: the start or better, or None if none beats the homography."""
    template = _Template.of(raster.picture)
    onto = raster.from_canonical @ homography
    sigma = _PHOTOMETRY_SIGMA / raster.reduction**0.5
    best: Plane | None = None
    warped, mask = leak.onto(onto, raster.shape)
    score, blocks = compare(raster.picture, warped, mask)
    if score > _AGREED * blocks:
        return None
    flow = np.zeros((2, *raster.shape), np.float32)
    if start is not None:
        started, start_mask = leak.onto(onto, raster.shape, start)
        start_score = compare(raster.picture, started, start_mask).score
        if start_score > score * _FLOW_GAIN:
            best = flow = start
            score, warped, mask = start_score, started, start_mask
    for _ in range(iterations):
        flow = flow + _flow_step(template.normals(warped, mask, sigma), raster.shape, smoothing)
        warped, mask = leak.onto(onto, raster.shape, flow)
        new = compare(raster.picture, warped, mask).score
        if new <= score * (_FLOW_GAIN if best is None else 1):
            break
        done = new < score * _FLOW_SETTLED
        best, score = flow, new
        if done:
            break
    return best


def _stretched(flow: Plane | None, shape: tuple[int, int]) -> Plane | None:
    """A flow on a finer raster: enlarged, and its pixels with it."""
    if flow is None:
        return None
    growth = shape[1] / flow.shape[2], shape[0] / flow.shape[1]
    return np.stack(
        [cv2.resize(f * g, shape[::-1], interpolation=cv2.INTER_CUBIC) for f, g in zip(flow, growth, strict=True)]
    )


def _flow_step(normals: _Normals, shape: tuple[int, int], smoothing: float) -> Plane:
    smooth = _Normals(*(cv2.GaussianBlur(part, (0, 0), smoothing) for part in normals))
    h, w = shape
    rows, columns = normals.xx.shape
    step = np.empty((2, h, w), np.float32)
    for axis, displacement in enumerate(smooth.solved(_FLOW_RIDGE)):
        clipped = np.clip(displacement, -_FLOW_STEP_PX, _FLOW_STEP_PX).astype(np.float32)
        whole = cv2.resize(clipped, (columns * BLOCK, rows * BLOCK), interpolation=cv2.INTER_CUBIC)
        below, beside = h - rows * BLOCK, w - columns * BLOCK
        step[axis] = cv2.copyMakeBorder(whole, 0, below, 0, beside, cv2.BORDER_REPLICATE)
    return step
