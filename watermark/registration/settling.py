"""Looking at one hypothesis: refine it from coarse to fine on shrunken rasters, then let the evidence speak."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from watermark.registration.blocks import ENOUGH, lay_fragment
from watermark.registration.evidence import Evidence, compare
from watermark.registration.geometry import Matrix
from watermark.registration.index import Index, Raster
from watermark.registration.matching import Hypothesis
from watermark.registration.refine import refine
from watermark.registration.warping import Leak

WELL_SUPPORTED = 25  # guided matches from which a homography is near enough for 8 parameters at once
_TRUSTED_INLIERS = 12  # wrong fits had 9 un-guided inliers at most
_INLIER_BONUS = 60, 10.0  # z gains one per 10 un-guided inliers, up to 60
_PIECE_BONUS = 13.0, 20.0  # z gains what a piece's z has beyond that of wrong places, up to 20
_BLOCKS_BONUS = 6.0  # a fragment's z gains one per so many agreeing blocks
_SMALL_WINDOW = 96 * 96  # half-size px below which the full canonical raster is cheap and says more
_SMALLEST_COARSE = 48 * 48  # quarter-size px below which a coarse start has nothing to hold on to
_HOPELESS = 0.8  # evidence at quarter size, in roots of the block count
_UNREFINED = 0.97  # without key points, refinement must beat the plain guess clearly: it drifts along edges


@dataclass(frozen=True)
class Settled:
    """A hypothesis after refinement.

    Attributes
    ----------
    homography : ndarray, shape (3, 3), float64
        Leak pixel -> canonical pixel.
    evidence : Evidence
    z : float
        Of the evidence, plus the bonus for un-guided inliers; a fragment's, for blocks and for being a clear piece.
    origin : Hypothesis
    agreement : float
        Score of the blocks that agree, where the leak seems a fragment among strange pictures and was laid by them
        alone; else 0.
    """

    homography: Matrix
    evidence: Evidence
    z: float
    origin: Hypothesis
    agreement: float = 0.0

    @property
    def is_trusted(self) -> bool:
        """Enough un-guided key points to call the neighbourhood right."""
        return self.origin.method == "hint" or self.origin.inliers >= _TRUSTED_INLIERS

    @property
    def is_strong(self) -> bool:
        """Worth stopping the search for other ways to find the picture."""
        return self.agreement >= ENOUGH or self.is_plain

    @property
    def is_plain(self) -> bool:
        """Evident over the whole of what the leak shows."""
        score, blocks = self.evidence
        return (score > 40 and score > 0.25 * blocks) or (score > 6 and score > 0.5 * blocks)

    @property
    def is_sure(self) -> bool:
        """Worth stopping the search for rivals.

        Evidence alone is not: a table laid onto its own mirror image can agree by two thirds.
        """
        return self.is_trusted and self.evidence.score > 6 and self.evidence.agreement > 0.6


def look(raster: Raster, leak: Leak, homography: Matrix) -> Evidence:
    """Evidence for a homography (leak -> canonical) on one raster."""
    window = raster.window(homography, leak.shape)
    if window is None:
        return Evidence(0.0, 0)
    return compare(window.picture, *leak.onto(window.from_canonical @ homography, window.shape))


def settle(index: Index, leak: Leak, hypothesis: Hypothesis) -> Settled:
    """Refine a hypothesis on the half-size raster (weak ones from quarter size) and gather its evidence.

    Parameters
    ----------
    index : Index
    leak : Leak
        Already reversed if the hypothesis says negative.
    hypothesis : Hypothesis

    Returns
    -------
    Settled
        Whichever of the given and the refined homography has more evidence.
    """
    homography = hypothesis.homography
    bonus = min(hypothesis.inliers, _INLIER_BONUS[0]) / _INLIER_BONUS[1]

    def settled(candidate: Matrix, raster: Raster) -> Settled:
        evidence = look(raster, leak, candidate)
        return Settled(candidate, evidence, evidence.z + bonus, hypothesis)

    raster = _fitting_raster(index, homography, leak)
    unrefined = settled(homography, raster)
    if hypothesis.support < WELL_SUPPORTED:
        coarse = _coarsely(index.rasters[4], leak, homography)
        if coarse is not None:
            homography = coarse
            glimpse = settled(homography, index.rasters[4])
            if glimpse.evidence.score < _HOPELESS * np.sqrt(glimpse.evidence.blocks + 1) and hypothesis.support < 15:
                return max(unrefined, glimpse, key=lambda s: s.z)
    best = settled(homography, raster)
    window = raster.window(homography, leak.shape)
    if window is not None:
        freedom = 4 if index.is_sparse else 8
        masked = unrefined.is_trusted
        refined = refine(window, leak, homography, iterations=5, freedom=freedom, masked=masked)
        if refined is not None:
            best = max(best, settled(refined, raster), key=lambda s: s.z)
    if not hypothesis.inliers and unrefined.z > _UNREFINED * best.z:
        return unrefined
    return best


def settle_fragment(index: Index, leak: Leak, hypothesis: Hypothesis) -> Settled:
    """Settle a hypothesis by the blocks that agree alone; see `blocks`."""
    homography, found = lay_fragment(index, leak, hypothesis.homography)
    evidence = look(index.rasters[2], leak, homography)
    usual, most = _PIECE_BONUS
    bonus = found.blocks / _BLOCKS_BONUS + float(np.clip(hypothesis.grain - usual, 0, most))
    return Settled(homography, evidence, evidence.z + bonus, hypothesis, found.score)


def _fitting_raster(index: Index, homography: Matrix, leak: Leak) -> Raster:
    window = index.rasters[2].window(homography, leak.shape)
    return index.rasters[1 if window is None or window.picture.size < _SMALL_WINDOW else 2]


def _coarsely(raster: Raster, leak: Leak, homography: Matrix) -> Matrix | None:
    window = raster.window(homography, leak.shape)
    if window is None or window.picture.size < _SMALLEST_COARSE:
        return None
    result: Matrix | None = None
    for freedom, iterations in ((4, 8), (6, 6)):
        refined = refine(window, leak, homography, iterations=iterations, freedom=freedom)
        if refined is None:
            break
        result = homography = refined
    return result
