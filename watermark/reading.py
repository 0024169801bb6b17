"""Read a leak: register it onto the original, and take one soft symbol per cell. No codeword is used."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from . import registration
from .master import Master
from .preparing import luma_and_cb
from .quantised import read_thresholds
from .symbols import Symbols, read_symbols

SMALLEST_LEAK_PX = 16
LARGEST_LEAK_SIDE = 6000  # px; a larger leak carries nothing more than the canonical raster holds
LEAST_COVERAGE = 0.002


@dataclass(frozen=True)
class Reading:
    """What was read off a leak, or why nothing was.

    Attributes
    ----------
    hypotheses : soft symbols of every registration that evidence could not rule out, with and without colour, and off
        a JPEG's roundings; each counts as a look.
    guesses : soft symbols of places where the leak may lie although it was not recognised; each counts as a look, too.
    reason, hint : why the leak could not be recognised, and what better capture would help; None when it could.
    """

    hypotheses: list[Symbols] = field(default_factory=list)
    guesses: list[Symbols] = field(default_factory=list)
    reason: str | None = None
    hint: str | None = None

    @property
    def readable(self) -> bool:
        """Whether the picture was recognised and laid onto the original."""
        return bool(self.hypotheses)

    @property
    def symbols(self) -> list[Symbols]:
        """Those of every place, guessed ones last: all that a copy may be named by."""
        return self.hypotheses + self.guesses

    def confirmed(self) -> Reading:
        """Return the same for a leak that a copy was named by: then its own mark says that a guessed place is right."""
        return self if self.readable else Reading(self.guesses)

    @property
    def coverage(self) -> float:
        """Share of the asset's area that the best hypothesis shows, 0 … 1."""
        return self.hypotheses[0].coverage if self.hypotheses else 0.0

    @property
    def fits(self) -> list[registration.Fit]:
        """The registrations, best first."""
        return list({id(h.fit): h.fit for h in self.hypotheses}.values())


def read(
    master: Master, leak: NDArray[np.uint8], *, hint: NDArray[np.float64] | None = None, budget_s: float | None = None
) -> Reading:
    """Register a leak onto the original and read its symbols.

    Parameters
    ----------
    master : the prepared asset the leak may show.
    leak : (H', W', 3) uint8, any size.
    hint : 3×3 homography from leak px to the original's px, where the look-up already has one.
    budget_s : CPU seconds after which the search for a registration gives up.

    Returns
    -------
    Reading, with a stated reason where nothing could be registered.
    """
    if min(leak.shape[:2]) < SMALLEST_LEAK_PX:
        return Reading(
            reason=f"The picture is only {leak.shape[1]}×{leak.shape[0]} px.",
            hint="Capture it in a larger size: open the picture itself rather than its thumbnail.",
        )
    longest = max(leak.shape[:2])
    scale = min(1.0, LARGEST_LEAK_SIDE / longest)
    if scale < 1:
        leak = cv2.resize(leak, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    planes = luma_and_cb(leak)
    start = None
    if hint is not None:
        ratio = master.design.canonical_shape[1] / master.design.width
        start = resize_matrix(ratio) @ hint @ resize_matrix(1 / scale)
    fits, guessed = registration.register(master.index, planes[0], hint=start, budget_s=budget_s)
    found = [s for fit in fits for s in read_symbols(master.channels, planes, fit)]
    if scale == 1:
        found += [s for s in (read_thresholds(master, planes[0], fit) for fit in fits) if s is not None]
    hypotheses = [s for s in found if s.coverage >= LEAST_COVERAGE]
    guesses = read_guesses(master, planes, guessed)
    if hypotheses:
        return Reading(hypotheses, guesses)
    return Reading(
        guesses=guesses,
        reason="The picture could not be laid onto the original.",
        hint="Capture more of the picture, in a larger size and less compressed, with fewer things drawn over it.",
    )


def read_guesses(master: Master, planes: NDArray[np.float32], fits: list[registration.Fit]) -> list[Symbols]:
    """Soft symbols of a leak, (2, H', W') luma and Cb, at places where it is only guessed to lie."""
    found = [s for fit in fits for s in read_symbols(master.channels, planes, fit, cut=registration.piece_area)]
    return [s for s in found if s.coverage >= LEAST_COVERAGE]


def resize_matrix(factor: float) -> NDArray[np.float64]:
    """Homography of a resize, pixel centres at whole numbers: x -> factor (x + 1/2) - 1/2."""
    shift = (factor - 1) / 2
    return np.array([[factor, 0, shift], [0, factor, shift], [0, 0, 1.0]])
