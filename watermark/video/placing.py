"""Where a frame of a leak lies on the video's frame, and which of several frames it is: by the picture alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.registration.evidence import Evidence
from watermark.registration.geometry import (
    Matrix,
    corners,
    inverse,
    is_plausible,
    mirror,
    project,
    resize_matrix,
    shift,
)
from watermark.registration.index import Raster
from watermark.registration.refine import refine
from watermark.registration.settling import look
from watermark.registration.warping import Leak

from .references import Reference

Plane = NDArray[np.float32]

DARK = 28  # levels: letterbox bars are at most this bright
QUARTER = 4
MARGIN_PX, STEP_PX = 64, 16  # of the working raster: what windows reach beyond, and blocks at half its size
LEAST_PX = 128
HIDDEN = 0.012  # of the leak's long side: a frame that reaches farther beyond its border is shown in part
LATE_PRICE = 0.02  # of correlation per second away from the expected moment
STEADY = 0.95  # share of the agreement elsewhere at which a place is taken over as it is
CLEAR_SCORE, CLEAR_AGREEMENT = 25.0, 0.12


@dataclass(frozen=True)
class Place:
    """A frame's place.

    Attributes
    ----------
    homography : leak px -> working raster.
    evidence : that it shows the reference there.
    """

    homography: Matrix = field(repr=False)
    evidence: Evidence

    @property
    def convincing(self) -> bool:
        """Whether the pictures agree far beyond chance."""
        score, blocks = self.evidence
        return score > CLEAR_SCORE and score > CLEAR_AGREEMENT * blocks and self.evidence.z > 2


def whole_frame(frames: Sequence[NDArray[np.uint8]], working: tuple[int, int]) -> list[Matrix]:
    """Homographies under which the leak shows the whole frame: as it is, without bars, and both mirrored.

    Parameters
    ----------
    frames : (H, W) uint8 planes of one shot.
    working : rows and columns of the working raster.
    """
    brightest = np.max(np.stack(frames[:: max(1, len(frames) // 4)]), 0)
    height, width = brightest.shape
    rows = np.flatnonzero(np.percentile(brightest, 95, axis=1) > DARK)
    columns = np.flatnonzero(np.percentile(brightest, 95, axis=0) > DARK)
    boxes = [(0, height, 0, width)]
    if len(rows) > height // 8 and len(columns) > width // 8:
        trimmed = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
        if trimmed != boxes[0]:
            boxes.append(trimmed)
    out = []
    for top, bottom, left, right in boxes:
        onto = resize_matrix((bottom - top, right - left), working) @ shift(-left, -top)
        out += [onto, mirror(working[1]) @ onto]
    return out


def settle(leak: Leak, homography: Matrix, reference: Reference, *, rough: bool) -> Place | None:
    """Refine a homography on one reference frame.

    Parameters
    ----------
    rough : begin on the half-size raster, as for a first guess; else two steps at full size.
    """
    if not is_plausible(homography):
        return None
    full = around(reference.clean, homography, leak)
    half = full.reduced(2)
    start = look(half, leak, homography)
    best = Place(homography, start)
    if rough:
        for freedom, masked in ((8, start.score > CLEAR_SCORE), (4, False)):
            found = refine(half, leak, best.homography, iterations=10, freedom=freedom, masked=masked)
            best = better(best, found, half, leak)
            if best.convincing:
                break
        if not best.convincing:
            return best
    found = refine(full, leak, best.homography, iterations=4 if rough else 2, masked=True)
    return better(best, found, half, leak)


def glanced(leak: Leak, homography: Matrix, reference: Reference) -> Place:
    """A place near a homography, found and judged at a quarter of the working size: a small part of `settle`'s work."""
    if not is_plausible(homography):
        return Place(homography, Evidence(0.0, 0))
    raster = around(reference.middle, homography, leak).reduced(QUARTER)
    found = refine(raster, leak, homography, iterations=5, freedom=4)
    return better(Place(homography, look(raster, leak, homography)), found, raster, leak)


def kept_or_settled(leak: Leak, place: Place, reference: Reference) -> Place | None:
    """The place of the frame before where it does as well for this one, as on a tripod; else a refined one."""
    half = around(reference.clean, place.homography, leak).reduced(2)  # as in `settle`, so that both are judged alike
    as_it_is = Place(place.homography, look(half, leak, place.homography))
    if as_it_is.convincing and as_it_is.evidence.agreement > STEADY * place.evidence.agreement:
        return as_it_is
    return settle(leak, place.homography, reference, rough=False)


def around(picture: Plane, homography: Matrix, leak: Leak) -> Raster:
    """The part of a reference frame that a leak shows about so: of a crop, all that need be looked at."""
    rows, columns = shown_part(homography, leak.shape, (picture.shape[0], picture.shape[1]))
    return Raster(picture, np.eye(3), 1).part(rows, columns)


def shown_part(homography: Matrix, leak: tuple[int, int], working: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of the working raster that a leak shows, with a margin, in whole steps of `STEP_PX`.

    Everything, where the horizon crosses the leak or too little would be left.
    """
    everything = slice(0, working[0]), slice(0, working[1])
    depth = np.c_[corners(leak), np.ones(4)] @ homography[2] * homography[2, 2]
    if (depth <= 0).any():
        return everything
    places = np.clip(project(corners(leak), homography), -1e6, 1e6)
    left, top = np.floor((places.min(0) - MARGIN_PX) / STEP_PX).astype(int) * STEP_PX
    right, bottom = np.ceil((places.max(0) + MARGIN_PX) / STEP_PX).astype(int) * STEP_PX
    part = slice(max(0, top), min(working[0], bottom)), slice(max(0, left), min(working[1], right))
    return part if min(side.stop - side.start for side in part) >= LEAST_PX else everything


def better(place: Place, homography: Matrix | None, raster: Raster, leak: Leak) -> Place:
    """The place, or another if it has more evidence."""
    if homography is None:
        return place
    other = Place(homography, look(raster, leak, homography))
    return other if other.evidence.score > place.evidence.score else place


def detail(plane: Plane) -> Plane:
    """Picture without its slow changes."""
    return plane - cv2.GaussianBlur(plane, (0, 0), 5)


def nearest_frame(
    leak: Leak, homography: Matrix, references: Sequence[Reference], expected_s: float
) -> tuple[Reference, float]:
    """Which of several frames a leak's frame shows, and how well they agree.

    The one whose detail, at a quarter of the working size, correlates best; of a static shot, the expected one.
    """
    height, width = references[0].sum.shape
    size = (max(16, width // QUARTER), max(16, height // QUARTER))
    warped, seen = leak.onto(resize_matrix((height, width), size[::-1]) @ homography, size[::-1])
    ours = detail(warped) * seen
    norm = float(np.sqrt(np.sum(ours * ours))) + 1e-6
    scores = []
    for reference in references:
        small = cv2.resize(reference.middle, size, interpolation=cv2.INTER_AREA)
        theirs = detail(small) * seen
        correlation = float(np.sum(ours * theirs)) / norm / (float(np.sqrt(np.sum(theirs * theirs))) + 1e-6)
        scores.append(correlation - LATE_PRICE * abs(reference.time_s - expected_s))
    best = int(np.argmax(scores))
    return references[best], scores[best]


def corners_on_leak(homography: Matrix, working: tuple[int, int]) -> NDArray[np.float64]:
    """Where the frame's corners lie in the leak: (4, 2) px."""
    height, width = working
    points = np.array([[[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]], float)
    out: NDArray[np.float64] = cv2.perspectiveTransform(points, inverse(homography))[0]
    return out


def shows_all(homography: Matrix, leak: tuple[int, int], working: tuple[int, int]) -> bool:
    """Whether a leak of that many rows and columns shows the whole frame, up to a narrow border."""
    corners = corners_on_leak(homography, working)
    limit = np.array([leak[1] - 1, leak[0] - 1])
    return bool(np.maximum(-corners, corners - limit).max() < HIDDEN * max(leak))
