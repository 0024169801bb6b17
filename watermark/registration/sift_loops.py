"""SIFT's inner loops, compiled: extrema of the scale space, their refinement and orientation, and descriptors.

Each works on one octave, six Gaussian planes (6, h, w), in its pixels. Constants, rounding and the polynomial of the
arc tangent are OpenCV's, so that `sift` finds and describes what OpenCV does.

References
----------
D. Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60(2), 2004,
doi:10.1023/B:VISI.0000029664.99615.94.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watermark.compiling import compiled_in_any_order

Plane = NDArray[np.float32]

LAYERS = 3  # per octave, in which key points are sought
PLANES = LAYERS + 3
SIGMA = 1.6  # of the first plane, in its pixels
BORDER_PX = 5
FLAT = 1e-20  # determinant of second derivatives, below which an extremum stays where it is
STEPS = 5  # of refinement at most
ORIENTATIONS = 36
ORIENTATION_SIGMA, ORIENTATION_RADIUS = 1.5, 4.5  # in scales of the key point
PEAK_SHARE = 0.8  # of the highest orientation, from which another one makes a key point of its own
CELLS, DIRECTIONS = 4, 8  # of a descriptor
CELL_SCALES = 3  # width of a cell in scales of the key point
CLIPPED, TO_BYTES = 0.2, 512.0
FIELDS = 7  # x, y, diameter, angle, strength, octave, layer


@compiled_in_any_order
def _refined(
    planes: Plane, layer: int, row: int, column: int, contrast: float, edge: float, around: Plane, key_point: Plane
) -> Any:
    """Move an extremum to where a parabola through its neighbours has its own; whether it is a key point.

    Its place, diameter, strength and layer go to `key_point`.
    """
    _, height, width = planes.shape
    for step in range(STEPS + 1):
        if step == STEPS:
            return False
        for i in range(3):
            for j in range(3):
                for k in range(3):
                    at = row + j - 1, column + k - 1
                    around[i, j, k] = (planes[layer + i, at[0], at[1]] - planes[layer + i - 1, at[0], at[1]]) / 255
        centre = around[1, 1, 1]
        dx = (around[1, 1, 2] - around[1, 1, 0]) / 2
        dy = (around[1, 2, 1] - around[1, 0, 1]) / 2
        ds = (around[2, 1, 1] - around[0, 1, 1]) / 2
        dxx = around[1, 1, 2] + around[1, 1, 0] - 2 * centre
        dyy = around[1, 2, 1] + around[1, 0, 1] - 2 * centre
        dss = around[2, 1, 1] + around[0, 1, 1] - 2 * centre
        dxy = (around[1, 2, 2] - around[1, 2, 0] - around[1, 0, 2] + around[1, 0, 0]) / 4
        dxs = (around[2, 1, 2] - around[2, 1, 0] - around[0, 1, 2] + around[0, 1, 0]) / 4
        dys = (around[2, 2, 1] - around[2, 0, 1] - around[0, 2, 1] + around[0, 0, 1]) / 4
        xx, xy, xs = dyy * dss - dys * dys, dxs * dys - dxy * dss, dxy * dys - dxs * dyy  # cofactors
        yy, ys, ss = dxx * dss - dxs * dxs, dxs * dxy - dxx * dys, dxx * dyy - dxy * dxy
        volume = dxx * xx + dxy * xy + dxs * xs
        x, y, s = np.float32(0), np.float32(0), np.float32(0)
        if abs(volume) > FLAT:
            x = -(xx * dx + xy * dy + xs * ds) / volume
            y = -(xy * dx + yy * dy + ys * ds) / volume
            s = -(xs * dx + ys * dy + ss * ds) / volume
        if abs(x) < 0.5 and abs(y) < 0.5 and abs(s) < 0.5:
            break
        if not max(abs(x), abs(y), abs(s)) < width + height:
            return False
        column, row, layer = column + round(x), row + round(y), layer + round(s)
        inside = BORDER_PX <= column < width - BORDER_PX and BORDER_PX <= row < height - BORDER_PX
        if not (inside and 1 <= layer <= LAYERS):
            return False
    strength = abs(centre + (dx * x + dy * y + ds * s) / 2)
    trace, determinant = dxx + dyy, dxx * dyy - dxy * dxy
    if strength * LAYERS < contrast or determinant <= 0 or trace * trace * edge >= (edge + 1) ** 2 * determinant:
        return False
    key_point[0], key_point[1] = column + x, row + y
    key_point[2] = 2 * SIGMA * 2 ** ((layer + s) / LAYERS)
    key_point[4], key_point[6] = strength, layer
    return True


@compiled_in_any_order
def _gradients(plane: Plane, row: int, left: int, right: int, sizes: Plane, directions: Plane) -> None:
    """Gradients of a row from column `left` to `right` - 1: their sizes, and directions in degrees, 0 … 360.

    Directions are those of OpenCV's polynomial. Without a branch, so that the loop is vectorised.
    """
    for k in range(right - left):
        x = left + k
        dx, dy = plane[row, x + 1] - plane[row, x - 1], plane[row - 1, x] - plane[row + 1, x]
        across, along = abs(dx), abs(dy)
        c = min(across, along) / (max(across, along) + np.float32(2.2e-16))
        q = c * c
        p = (np.float32(-2.5397293) * q + np.float32(8.913999)) * q + np.float32(-18.667446)
        angle = (p * q + np.float32(57.283627)) * c
        angle = np.float32(90) - angle if across < along else angle
        angle = np.float32(180) - angle if dx < 0 else angle
        directions[k] = np.float32(360) - angle if dy < 0 else angle
        sizes[k] = np.sqrt(dx * dx + dy * dy)


@compiled_in_any_order
def _orientations(planes: Plane, key_point: Plane, histogram: Plane) -> Any:
    """Fill the smoothed histogram of gradient directions around a key point; its highest bin."""
    layer = int(key_point[6])
    _, height, width = planes.shape
    scale = key_point[2] / 2
    radius = round(ORIENTATION_RADIUS * scale)
    falloff = -1 / (2 * (ORIENTATION_SIGMA * scale) ** 2)
    weights = np.empty(2 * radius + 1, np.float32)
    for i in range(-radius, radius + 1):
        weights[i + radius] = math.exp(falloff * i * i)
    column, row = round(key_point[0]), round(key_point[1])
    raw = np.zeros(ORIENTATIONS + 1, np.float32)
    left, right = max(1, column - radius), min(width - 1, column + radius + 1)
    sizes, directions = np.empty(right - left, np.float32), np.empty(right - left, np.float32)
    for y in range(max(1, row - radius), min(height - 1, row + radius + 1)):
        _gradients(planes[layer], y, left, right, sizes, directions)
        weight = weights[y - row + radius]
        for k in range(right - left):
            bin_ = np.uint32(directions[k] * np.float32(ORIENTATIONS / 360) + np.float32(0.5))
            raw[bin_] += weight * weights[left + k - column + radius] * sizes[k]
    raw[0] += raw[ORIENTATIONS]
    raw = raw[:ORIENTATIONS]
    highest = np.float32(0)
    for i in range(ORIENTATIONS):
        far = raw[i - 2] + raw[(i + 2) % ORIENTATIONS]
        near = raw[i - 1] + raw[(i + 1) % ORIENTATIONS]
        histogram[i] = (far + 4 * near + 6 * raw[i]) / np.float32(16)
        highest = max(highest, histogram[i])
    return highest


@compiled_in_any_order
def _within(i: int, cosine: Any, sine: Any, radius: int) -> Any:
    """First and last step along the row `i` below a key point that may lie in its turned square of cells."""
    reach, first, last = np.float32((CELLS + 1) / 2), -radius, radius
    for slope, offset in ((cosine, -i * sine), (sine, i * cosine)):
        if abs(slope) > np.float32(1e-6):
            one, other = (-reach - offset) / slope, (reach - offset) / slope
            first = max(first, math.ceil(min(one, other)))
            last = min(last, math.floor(max(one, other)))
    return first, last


@compiled_in_any_order
def _corners(
    count: int,
    directions: Plane,
    angle: Any,
    across: Any,
    down: Any,
    cosine: Any,
    sine: Any,
    corners: Any,
    shares: Plane,
) -> None:
    """Between which bins of a descriptor the pixels of a row lie. Without a branch, so that the loop is vectorised.

    Parameters
    ----------
    count : of them.
    directions : of their gradients, in degrees; the key point's own is `angle`.
    across, down : where the first of them lies, in cells from the middle of the first border cell.
    cosine, sine : how far the next one lies from it.
    corners, shares : set to the first bin of each, and how far it lies from that to the next row, column, direction.
    """
    last = np.float32(CELLS + 1 - 1e-3)
    for k in range(count):
        column = min(max(across + np.float32(k) * cosine, np.float32(0)), last)
        row = min(max(down + np.float32(k) * sine, np.float32(0)), last)
        turn = (directions[k] - angle) * np.float32(DIRECTIONS / 360) + np.float32(DIRECTIONS)
        c, r, o = np.int32(column), np.int32(row), np.int32(turn)
        shares[0, k], shares[1, k], shares[2, k] = row - np.float32(r), column - np.float32(c), turn - np.float32(o)
        corners[k] = (r * (CELLS + 2) + c) * (DIRECTIONS + 1) + (o & (DIRECTIONS - 1))  # a power of two


@compiled_in_any_order
def _share_out(count: int, sizes: Plane, corners: NDArray[np.int32], shares: Plane, bins: Plane) -> None:
    """Share each gradient out among the eight bins around it; see `_corners`."""
    beside, below = DIRECTIONS + 1, (CELLS + 2) * (DIRECTIONS + 1)
    for k in range(count):
        corner = np.int64(corners[k])
        lower = sizes[k] * shares[0, k]
        for share, first in ((sizes[k] - lower, corner), (lower, corner + below)):
            right = share * shares[1, k]
            left = share - right
            left_next, right_next = left * shares[2, k], right * shares[2, k]
            bins[first] += left - left_next
            bins[first + 1] += left_next
            bins[first + beside] += right - right_next
            bins[first + beside + 1] += right_next


@compiled_in_any_order
def described(planes: Plane, points: Plane, layers: NDArray[np.int8]) -> Any:
    """Descriptors of key points given in the octave's own pixels: (n, 128) uint8."""
    _, height, width = planes.shape
    out = np.zeros((len(points), CELLS * CELLS * DIRECTIONS), np.uint8)
    # one cell beyond each side, and one direction, for what is shared out there
    bins = np.empty((CELLS + 2) * (CELLS + 2) * (DIRECTIONS + 1), np.float32)
    sizes, directions = np.empty(width, np.float32), np.empty(width, np.float32)
    corners, shares = np.empty(width, np.int32), np.empty((3, width), np.float32)
    middle = np.float32((CELLS + 1) / 2)
    for number in range(len(points)):
        plane = planes[layers[number]]
        column, row = round(points[number, 0]), round(points[number, 1])
        cell_px = np.float32(CELL_SCALES) * points[number, 2] / 2
        angle = np.float32(360) - points[number, 3]
        if abs(angle - 360) < np.float32(1.2e-7):
            angle = np.float32(0)
        radius = round(cell_px * np.float32(math.sqrt(2)) * (CELLS + 1) / 2)
        radius = min(radius, int(math.sqrt(float(width) ** 2 + float(height) ** 2)))
        cosine = np.float32(math.cos(math.radians(angle))) / cell_px
        sine = np.float32(math.sin(math.radians(angle))) / cell_px
        weights = np.empty(2 * radius + 1, np.float32)
        for i in range(-radius, radius + 1):
            weights[i + radius] = math.exp(-((i / cell_px) ** 2) / (CELLS * CELLS / 2))
        bins[:] = 0
        for y in range(max(1, row - radius), min(height - 1, row + radius + 1)):
            i = y - row
            first, last = _within(i, cosine, sine, radius)
            left, right = max(1, column + first), min(width - 1, column + last + 1)
            if left >= right:
                continue
            _gradients(plane, y, left, right, sizes, directions)
            for k in range(right - left):
                sizes[k] *= weights[i + radius] * weights[left - column + radius + k]
            start = np.float32(left - column)
            across = start * cosine - i * sine + middle
            down = start * sine + i * cosine + middle
            _corners(right - left, directions, angle, across, down, cosine, sine, corners, shares)
            _share_out(right - left, sizes, corners, shares, bins)
        cells = bins.reshape(CELLS + 2, CELLS + 2, DIRECTIONS + 1)
        cells[:, :, 0] += cells[:, :, DIRECTIONS]
        inner = cells[1:-1, 1:-1, :DIRECTIONS].copy().ravel()
        limit = np.float32(CLIPPED) * np.sqrt(np.sum(inner * inner))
        inner = np.minimum(inner, limit)
        norm = np.float32(TO_BYTES) / max(np.sqrt(np.sum(inner * inner)), np.float32(1.2e-7))
        out[number] = np.minimum(np.rint(inner * norm), 255)
    return out


@compiled_in_any_order
def found(planes: Plane, contrast: float, edge: float) -> Any:
    """Key points of one octave in its own pixels: (n, 7) float32, the fields in order of `FIELDS`, octave left 0."""
    _, height, width = planes.shape
    capacity, count = 1024, 0
    out = np.zeros((capacity, FIELDS), np.float32)
    high = np.empty((PLANES - 1, width), np.float32)
    low = np.empty((PLANES - 1, width), np.float32)
    most, least = np.empty(width, np.float32), np.empty(width, np.float32)
    extreme = np.zeros(width, np.uint8)
    faintest = np.float32(0.5 * contrast * 255 / LAYERS)
    around, key_point = np.empty((3, 3, 3), np.float32), np.zeros(FIELDS, np.float32)
    histogram = np.zeros(ORIENTATIONS, np.float32)
    for row in range(BORDER_PX, height - BORDER_PX):
        for d in range(PLANES - 1):
            for column in range(width):
                above = planes[d + 1, row - 1, column] - planes[d, row - 1, column]
                here = planes[d + 1, row, column] - planes[d, row, column]
                below = planes[d + 1, row + 1, column] - planes[d, row + 1, column]
                high[d, column] = max(max(above, here), below)
                low[d, column] = min(min(above, here), below)
        for layer in range(1, LAYERS + 1):
            for column in range(width):
                most[column] = max(max(high[layer - 1, column], high[layer, column]), high[layer + 1, column])
                least[column] = min(min(low[layer - 1, column], low[layer, column]), low[layer + 1, column])
            upper, lower = planes[layer + 1, row], planes[layer, row]
            for k in range(width - 2 * BORDER_PX):
                column = k + BORDER_PX
                value = upper[column] - lower[column]
                peak = value >= max(max(max(most[column - 1], most[column]), most[column + 1]), faintest)
                trough = value <= min(min(min(least[column - 1], least[column]), least[column + 1]), -faintest)
                extreme[k] = peak | trough
            for k in range(width - 2 * BORDER_PX):
                column = k + BORDER_PX
                if not extreme[k] or not _refined(planes, layer, row, column, contrast, edge, around, key_point):
                    continue
                highest = _orientations(planes, key_point, histogram)
                for bin_ in range(ORIENTATIONS):
                    before, after = histogram[bin_ - 1], histogram[(bin_ + 1) % ORIENTATIONS]
                    size = histogram[bin_]
                    if size <= before or size <= after or size < np.float32(PEAK_SHARE) * highest:
                        continue
                    exact = bin_ + np.float32(0.5) * (before - after) / (before - 2 * size + after)
                    angle = np.float32(360) - np.float32(360 / ORIENTATIONS) * np.float32(exact % ORIENTATIONS)
                    if count == capacity:
                        grown = np.zeros((2 * capacity, FIELDS), np.float32)
                        grown[:capacity] = out
                        out, capacity = grown, 2 * capacity
                    out[count] = key_point
                    out[count, 3] = np.float32(0) if abs(angle - 360) < np.float32(1.2e-7) else angle
                    count += 1
    return out[:count]
