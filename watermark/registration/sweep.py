"""Fall-backs for leaks without usable key points: the whole frame, then correlation over scales.

A soft or tiny picture may have no key points that survive, yet be the whole frame, or the original at its own scale, or
the original shrunk by some unknown factor. All three are tried by plain correlation of locally normalised pictures; the
sign of the peak tells a negative from a positive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import NamedTuple

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from watermark.registration.evidence import compare
from watermark.registration.fit import Method
from watermark.registration.geometry import Matrix, Plane, inverse, mirror, quarter_turns, resized, shift
from watermark.registration.index import Index
from watermark.registration.matching import Hypothesis
from watermark.registration.photometry import blur
from watermark.registration.warping import Leak

ORIENTATIONS = tuple((mirrored, turns) for turns, mirrored in product((0, 2, 1, 3), (False, True)))
"""Mirror and quarter turns, the likeliest first."""
UPRIGHT = ORIENTATIONS[:2]
TURNED = ORIENTATIONS[2:]

_STRETCH = 0.45  # largest log ratio of aspects for a whole frame
_FLAT = 4.0  # deviation along a row or column that is still a letterbox bar
_TRIM_SIDE = 256
_SWEEPS = (  # px of the original's long side; leak's side over it. Small pictures on large pages are sought coarsely.
    (160, 1.05 ** np.arange(-24, 15)),  # 0.31 .. 2.0
    (96, 1.05 ** np.arange(15, 43)),  # 2.1 .. 7.8
)
_SWEEP_LEAK_SIDE = 900
_NATIVE_SIDE = 24, 700  # canonical px
_FFT_STEP = 32  # sizes are rounded up, so that the original is transformed for few of them
_ENERGY_FLOOR = 40.0
_VARIANCE_FLOOR = 1.5


def whole_frames(index: Index, leak: Leak, keep: int = 3) -> list[Hypothesis]:
    """The leak is the whole picture, perhaps stretched, letterboxed, mirrored, turned or negative; likeliest first."""
    raster = index.rasters[4]
    h, w = index.shape
    judged = []
    for (top, left, bottom, right), (mirrored, turns) in product(_frames(leak), ORIENTATIONS):
        turned, turned_shape = _orientation((bottom - top, right - left), mirrored, turns)
        sx, sy = w / turned_shape[1], h / turned_shape[0]
        if abs(np.log(sx / sy)) > _STRETCH:
            continue
        fill = np.array([[sx, 0, 0.5 * sx - 0.5], [0, sy, 0.5 * sy - 0.5], [0, 0, 1]])
        homography = fill @ turned @ shift(-left, -top)
        warped, mask = leak.onto(raster.from_canonical @ homography, raster.shape)
        score = compare(raster.picture, warped, mask).score
        judged.append((abs(score), Hypothesis(homography, score < 0, "frame")))
    judged.sort(key=lambda pair: -pair[0])
    return [hypothesis for _, hypothesis in judged[:keep]]


def native_scale(index: Index, leak: Leak, orientations: Iterable[tuple[bool, int]] = UPRIGHT) -> list[Hypothesis]:
    """The leak is a small crop at the original's own scale: one correlation per orientation."""
    side = max(leak.shape) * index.scale
    if not _NATIVE_SIDE[0] <= side <= _NATIVE_SIDE[1]:
        return []
    haystack = _Haystack(_normalised(index.canonical, 0.7, 5))
    peaks = []
    for mirrored, turns in orientations:
        small, to_small = resized(leak.luma, side)
        peak = haystack.find(_oriented(_normalised(small, 0.7, 5), mirrored, turns))
        turned, _ = _orientation(small.shape, mirrored, turns)
        peaks.append((peak, shift(peak.dx, peak.dy) @ turned @ to_small))
    return _ranked(peaks, "native", len(peaks))


def scale_sweep(
    index: Index,
    leak: Leak,
    orientations: Iterable[tuple[bool, int]] = UPRIGHT,
    go_on: Callable[[], bool] = lambda: True,
    keep: int = 3,
) -> list[Hypothesis]:
    """The leak shows the original, or a part, at an unknown scale: correlation at 67 scales, 5 % apart.

    Parameters
    ----------
    index : Index
    leak : Leak
    orientations : pairs (mirrored, quarter turns)
    go_on : callable
        Asked before every scale; when it says no, what was found so far is returned.
    keep : int

    Returns
    -------
    list of Hypothesis
        At most `keep`, highest peak first.
    """
    source, to_source = resized(leak.luma, min(max(leak.shape), _SWEEP_LEAK_SIDE))
    orientations = tuple(orientations)
    peaks = []
    for original_side, factors in _SWEEPS:
        small, to_small = resized(index.canonical, original_side)
        haystack = _Haystack(_normalised(small))
        for side in original_side * factors:
            if side > 1.1 * max(leak.shape) or not go_on():
                break
            needle, to_needle = resized(source, side)
            prepared = _normalised(needle)
            for mirrored, turns in orientations:
                peak = haystack.find(_oriented(prepared, mirrored, turns))
                turned, _ = _orientation(needle.shape, mirrored, turns)
                place = shift(peak.dx, peak.dy) @ turned @ to_needle @ to_source
                peaks.append((peak, inverse(to_small) @ place))
    return _ranked(peaks, "sweep", keep)


class _Peak(NamedTuple):
    """Highest absolute correlation: signed height, and where the needle's top-left corner lies."""

    height: float
    dx: int
    dy: int


class _Haystack:
    """A picture to be searched; its transforms are kept per padded size while the search lasts."""

    def __init__(self, picture: Plane) -> None:
        self._picture = picture
        self._transforms: dict[tuple[int, int], tuple[NDArray[np.complex64], NDArray[np.complex64]]] = {}

    def find(self, needle: Plane) -> _Peak:
        """Peak of ``corr(x, z) / sqrt(corr(x^2, z^2))``: the root is what chance alone would give at each place."""
        h, w = self._picture.shape
        size = _padded(h + needle.shape[0]), _padded(w + needle.shape[1])
        if size not in self._transforms:
            x = self._picture
            self._transforms[size] = scipy.fft.rfft2(x, size), scipy.fft.rfft2(x * x, size)
        plain, squared = self._transforms[size]
        likeness = scipy.fft.irfft2(plain * np.conj(scipy.fft.rfft2(needle, size)), size)
        energy = scipy.fft.irfft2(squared * np.conj(scipy.fft.rfft2(needle * needle, size)), size)
        quality = likeness / np.sqrt(np.maximum(energy, 0) + _ENERGY_FLOOR)
        row, column = np.unravel_index(int(np.abs(quality).argmax()), quality.shape)
        dy = int(row) - (size[0] if row >= h else 0)
        dx = int(column) - (size[1] if column >= w else 0)
        return _Peak(float(quality[row, column]), dx, dy)


def _padded(length: int) -> int:
    return int(cv2.getOptimalDFTSize(-(-length // _FFT_STEP) * _FFT_STEP))


def _normalised(picture: Plane, fine: float = 1.0, coarse: float = 6.0) -> Plane:
    """Detail between two sigmas, divided by its own local strength."""
    detail = blur(picture, fine) - blur(picture, coarse)
    strength = np.sqrt(blur(detail * detail, coarse)) + _VARIANCE_FLOOR
    return np.asarray(detail / strength, np.float32)


def _oriented(picture: Plane, mirrored: bool, turns: int) -> Plane:
    return np.ascontiguousarray(np.rot90(picture[:, ::-1] if mirrored else picture, turns))


def _orientation(shape: tuple[int, ...], mirrored: bool, turns: int) -> tuple[Matrix, tuple[int, int]]:
    """Map and resulting shape of mirroring first, then turning."""
    h, w = shape
    matrix = quarter_turns((h, w), turns) @ (mirror(w) if mirrored else np.eye(3))
    return matrix, ((w, h) if turns % 2 else (h, w))


def _ranked(peaks: list[tuple[_Peak, Matrix]], method: Method, keep: int) -> list[Hypothesis]:
    peaks.sort(key=lambda pair: -abs(pair[0].height))
    return [Hypothesis(place, peak.height < 0, method) for peak, place in peaks[:keep]]


def _frames(leak: Leak) -> Iterator[tuple[int, int, int, int]]:
    """The leak's own frame, and what is left inside flat bars, as (top, left, bottom, right) in leak px."""
    h, w = leak.shape
    yield 0, 0, h, w
    small, to_small = resized(leak.luma, min(_TRIM_SIDE, max(h, w)))
    rows, columns = np.flatnonzero(small.std(1) > _FLAT), np.flatnonzero(small.std(0) > _FLAT)
    if not len(rows) or not len(columns):
        return
    scale_x, scale_y = to_small[0, 0], to_small[1, 1]
    top, bottom = round(rows[0] / scale_y), round((rows[-1] + 1) / scale_y)
    left, right = round(columns[0] / scale_x), round((columns[-1] + 1) / scale_x)
    if (bottom - top, right - left) != (h, w) and bottom - top >= 8 and right - left >= 8:
        yield top, left, bottom, right
