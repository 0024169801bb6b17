"""The whole of registration: hint, key points, fall-backs; then the best fit, and rivals that evidence cannot separate.

Cheap and likely ways first; each later stage runs only while nothing convincing was found. A strong fit alone is no
reason to stop: symmetric or repeated parts can give a hundred inliers to the wrong one. Only overwhelming evidence ends
the search at once; otherwise mirror images, negatives and equal parts are looked at too. A piece of a blank wall has no
evidence wherever it lies: its likeliest places are handed on as guesses.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

import numpy as np

from watermark.registration.blocks import FEWEST, WHOLE, agreeing, agreement
from watermark.registration.features import Features, Levels, detect
from watermark.registration.fit import Fit, Found
from watermark.registration.geometry import (
    Matrix,
    Plane,
    disagreement,
    inverse,
    is_mirroring,
    is_plausible,
    resize_matrix,
    resized,
)
from watermark.registration.index import Index
from watermark.registration.matching import Hypothesis, hypotheses
from watermark.registration.pieces import Piece, pieces
from watermark.registration.refine import refine, smooth_flow
from watermark.registration.settling import WELL_SUPPORTED, Settled, look, settle, settle_fragment
from watermark.registration.sweep import TURNED, UPRIGHT, native_scale, scale_sweep, whole_frames
from watermark.registration.warping import Leak

_QUICK: Levels = ((800, 1200), (400, 600), (200, 300))
_THOROUGH: Levels = ((1600, 3000), (800, 1500), (400, 700), (200, 200))
_THOROUGH_FROM = 500  # px, long side
_SMALLEST_FOR_FEATURES = 320  # px; smaller leaks are enlarged
_SMALLEST_LEAK = 8  # px, short side
_BLANK = 2.0  # levels between darkest and brightest

_ACCEPTED = 2.0  # z below which there is no registration
_WEAK = 2.5  # z below which the fall-backs run
_DOUBTFUL = 4.0  # z below which more features are tried
_UNSURE = 10.0  # z below which pieces are sought: a wrong fit of a few key points has reached 6.4
_TELLING = 11.0  # z of a piece that is worth a look: wrong places had 13 at most, right ones of any grain 16 and more
_CLEAR = 15.0  # z of a piece from which no other scale is tried
_BESIDE = 0.5  # share of the best piece's z that another needs
_MOST_GUESSES = 2
_TIED = 0.8  # share of the best fit's block evidence from which a rival cannot be told from it
_MOST_FITS = 4
_SAME_FIT_PX = 8.0
_SETTLED_PER_STAGE = 6
_LEAST_SUPPORT = 4
_PEAKS_KEPT = 3, 8  # peaks of a sweep to settle; more for an original of few edges, which slides along itself
_RIVAL_SUPPORT = 12, 0.35  # a rival needs this many guided matches, and this share of the leader's
_RIVAL_SAMPLE = 3  # rivals of a strong leader are sought with every third key point
_FEW_BLOCKS = 150  # a small crop may fit an equal part elsewhere just as well
_MANY_BLOCKS = 2500
_SAME_ASPECT = 0.02  # difference of log aspects of a leak that was not cropped
_ALIKE, _PLAIN = 0.5, 0.85  # agreement of the whole frame at a glance, and settled, from which nothing else is tried
_RIVAL_BLOCKS = 0.5  # share of the most agreeing blocks from which another hypothesis may be the fragment's place
_WORTHWHILE = 1.01  # rise of evidence that justifies refining a fit without key points


def register(index: Index, leak_luma: Plane, hint: Matrix | None = None, budget_s: float | None = None) -> Found:
    """Lay a leak onto an original.

    Parameters
    ----------
    index : Index
        Of the original.
    leak_luma : ndarray, shape (H, W), float32, 0..255
    hint : ndarray, shape (3, 3), optional
        Leak pixel -> canonical pixel as the look-up found it; settled as one more hypothesis.
    budget_s : float, optional
        CPU seconds after which no further stage is begun. Costs nothing when the leak registers easily; a hopeless one
        takes several seconds without it.

    Returns
    -------
    Found
        Four fits and two guesses at most, each of which costs whoever scores it one look; no fit if nothing registers.
    """
    luma = np.ascontiguousarray(leak_luma, np.float32)
    if luma.ndim != 2 or min(luma.shape) < _SMALLEST_LEAK or _is_blank(luma) or _is_blank(index.canonical):
        return Found([], [])
    search = _Search(index, Leak.build(luma), budget_s)
    search.run(hint)
    fits = [_finished(index, search.seen_as(s), s, search.tried) for s in search.winners()]
    return Found(fits, [_guessed(piece) for piece in search.guesses()])


def _is_blank(picture: Plane) -> bool:
    return float(picture.max() - picture.min()) < _BLANK


class _Search:
    """Hypotheses settled so far for one leak."""

    def __init__(self, index: Index, leak: Leak, budget_s: float | None) -> None:
        self.index, self.leak = index, leak
        self.negative: Leak | None = None
        self.settled: list[Settled] = []
        self.pieces: list[Piece] = []
        self.tried = 0
        self._deadline = np.inf if budget_s is None else time.thread_time() + budget_s

    def run(self, hint: Matrix | None) -> None:
        """Go through the stages until one convinces."""
        if hint is not None and self._hint_convinces(np.asarray(hint, np.float64)):
            return
        if self._is_plainly_whole():
            return
        keep = _PEAKS_KEPT[self.index.is_sparse]
        self._keypoints(_QUICK)
        if self.index.is_sparse or self._is_below(_WEAK):
            self._consider(whole_frames(self.index, self.leak))
        if self._is_unsure() and self._in_time():
            self._seek_pieces()
        if any(piece.z >= _CLEAR for piece in self.pieces):
            return
        if self._is_below(_WEAK) and self._in_time():
            self._consider(native_scale(self.index, self.leak, UPRIGHT))
        if self._is_below(_WEAK) and self._in_time():
            self._consider(scale_sweep(self.index, self.leak, UPRIGHT, self._in_time, keep))
        if self._is_below(_DOUBTFUL) and max(self.leak.shape) > _THOROUGH_FROM and self._in_time():
            self._keypoints(_THOROUGH)
        if self._is_below(_WEAK) and self._in_time():
            self._consider(scale_sweep(self.index, self.leak, TURNED, self._in_time, keep))

    @property
    def best(self) -> Settled | None:
        """The settled hypothesis with the highest z."""
        return max(self.settled, key=lambda s: s.z, default=None)

    def winners(self) -> list[Settled]:
        """The best, and rivals too close to it to be discarded: equal parts split the key points, not the evidence."""
        ranked = sorted((s for s in self.settled if s.z >= _ACCEPTED), key=lambda s: -s.z)
        chosen: list[Settled] = []
        for candidate in ranked:
            tied = self.index.is_sparse or candidate.evidence.z >= _TIED * ranked[0].evidence.z
            if tied and not any(self._same(candidate, other.homography, other.origin.inverted) for other in chosen):
                chosen.append(candidate)
        return chosen[:_MOST_FITS]

    def guesses(self) -> list[Piece]:
        """Places of pieces that evidence has not made a fit of, where no fit is sure."""
        if not self._is_unsure():
            return []
        taken = [s for s in self.winners() if not s.origin.inverted]
        return [p for p in self.pieces if not any(self._same(s, p.homography, False) for s in taken)]

    def seen_as(self, settled: Settled) -> Leak:
        """The leak as the settled hypothesis takes it: positive or negative."""
        return self._leak(settled.origin.inverted)

    def _leak(self, inverted: bool) -> Leak:
        if not inverted:
            return self.leak
        if self.negative is None:
            self.negative = self.leak.negative()
        return self.negative

    def _in_time(self) -> bool:
        return time.thread_time() < self._deadline

    def _same(self, settled: Settled, homography: Matrix, inverted: bool) -> bool:
        if settled.origin.inverted != inverted:
            return False
        distance = disagreement(homography, settled.homography, self.leak.shape, self.index.shape)
        return distance < _SAME_FIT_PX

    def _settle(self, hypothesis: Hypothesis) -> Settled | None:
        """Settle one hypothesis, unless it is absurd or leads where another has been."""
        if not is_plausible(hypothesis.homography):
            return None
        if any(self._same(s, hypothesis.homography, hypothesis.inverted) for s in self.settled):
            return None
        self.tried += 1
        result = settle(self.index, self._leak(hypothesis.inverted), hypothesis)
        self.settled.append(result)
        return result

    def _consider(self, candidates: Iterable[Hypothesis]) -> None:
        for hypothesis in candidates:
            self._settle(hypothesis)
            if not self.index.is_sparse and self._is_done():
                return

    def _is_done(self) -> bool:
        best = self.best
        return best is not None and best.is_strong

    def _is_below(self, z: float) -> bool:
        best = self.best
        return best is None or (best.z < z and not best.is_strong)

    def _is_unsure(self) -> bool:
        best = self.best
        return best is None or (best.z < _UNSURE and not best.is_plain)

    def _hint_convinces(self, hint: Matrix) -> bool:
        if not is_plausible(hint):
            return False
        inverted = look(self.index.rasters[4], self.leak, hint).score < 0
        result = self._settle(Hypothesis(hint, inverted, "hint"))
        alone = result is not None and result.evidence.blocks >= _FEW_BLOCKS and not self.index.is_sparse
        return result is not None and result.is_sure and alone

    def _is_plainly_whole(self) -> bool:
        """Whether the leak is the whole picture, upright and hardly touched, as most reposts are."""
        stretch = np.log(np.divide(self.leak.shape, self.index.shape))
        whole = Hypothesis(resize_matrix(self.leak.shape, self.index.shape), False, "frame")
        if self.index.is_sparse or abs(stretch[0] - stretch[1]) > _SAME_ASPECT:
            return False
        if look(self.index.rasters[4], self.leak, whole.homography).agreement < _ALIKE:
            return False
        result = settle(self.index, self.leak, whole)
        if result.evidence.agreement < _PLAIN or result.evidence.blocks < _FEW_BLOCKS:
            return False
        self.tried += 1
        self.settled.append(result)
        return True

    def _keypoints(self, levels: Levels) -> None:
        features = _leak_features(self.leak.luma, levels)
        plain = hypotheses(self.index, features, self.leak.shape, mirrored=False, inverted=False)
        if plain and plain[0].support >= WELL_SUPPORTED:
            leader = self._settle(plain[0])
            if leader is not None and leader.is_sure and not _has_rival(plain, leader):
                return
        sample = _RIVAL_SAMPLE if self._is_done() else 1
        pool = plain
        thinned = Features(features.points[::sample], features.descriptors[::sample])
        for mirrored, inverted in ((True, False), (False, True), (True, True)):
            pool = pool + hypotheses(self.index, thinned, self.leak.shape, mirrored=mirrored, inverted=inverted)[:3]
        if self._fragments(pool):
            return
        pool = sorted((h for h in pool if h.support >= _LEAST_SUPPORT), key=lambda h: -h.support)
        for hypothesis in pool[:_SETTLED_PER_STAGE]:
            best = self.best
            needed = max(_RIVAL_SUPPORT[0], _RIVAL_SUPPORT[1] * (best.origin.support if best else 0))
            if best is not None and best.z > _WEAK and hypothesis.support < needed / sample:
                break
            result = self._settle(hypothesis)
            if result is not None and result.is_sure and result.evidence.blocks >= _FEW_BLOCKS:
                return

    def _seek_pieces(self) -> None:
        found = pieces(self.index, self.leak)[:_MOST_GUESSES]
        self.pieces = [piece for piece in found if piece.z >= max(_TELLING, _BESIDE * found[0].z)]
        pool = [Hypothesis(piece.homography, False, "piece", grain=piece.z) for piece in self.pieces]
        before = len(self.settled)
        self._fragments(pool)
        if len(self.settled) == before:
            self._consider(pool)

    def _fragments(self, pool: list[Hypothesis]) -> bool:
        """Lay fragments by their blocks; few key points of one among eight other pictures settle nothing."""
        plausible = [h for h in pool if is_plausible(h.homography)]
        found = [agreeing(self.index, self._leak(h.inverted), h.homography) for h in plausible]
        most = max(found, key=lambda a: a.blocks, default=None)
        if most is None or most.blocks < FEWEST or most.share > WHOLE:
            return False
        for hypothesis, agreed in zip(plausible, found, strict=True):
            if agreed.blocks >= max(FEWEST, _RIVAL_BLOCKS * most.blocks):
                self.tried += 1
                self.settled.append(settle_fragment(self.index, self._leak(hypothesis.inverted), hypothesis))
        return self._is_done()


def _has_rival(plain: list[Hypothesis], leader: Settled) -> bool:
    """Whether an equal part elsewhere may fit as well: only a small crop leaves that open after sure evidence."""
    return leader.evidence.blocks < _FEW_BLOCKS and any(
        h.support >= max(_RIVAL_SUPPORT[0], _RIVAL_SUPPORT[1] * leader.origin.support) for h in plain[1:]
    )


def _leak_features(luma: Plane, levels: Levels) -> Features:
    enlarged, growth = resized(luma, max(_SMALLEST_FOR_FEATURES, max(luma.shape)))
    found = detect(enlarged, levels)
    back = inverse(growth)
    points = found.points.copy()
    points[:, :2] = points[:, :2] * [back[0, 0], back[1, 1]] + back[:2, 2]
    points[:, 2] *= back[0, 0]
    return Features(points, found.descriptors)


def _finished(index: Index, leak: Leak, settled: Settled, tried: int) -> Fit:
    """A fit as it is handed on: a fragment's, unless most blocks agree once the leak is bent as a whole may be."""
    fit = _finish(index, leak, settled, tried)
    if not settled.agreement:
        return fit
    whole = _finish(index, leak, settle(index, leak, settled.origin), tried)
    agreed = agreement(index.canonical, *leak.onto(whole.homography, index.shape, whole.flow))
    return whole if agreed.share > WHOLE and agreed.score > settled.agreement else fit


def _finish(index: Index, leak: Leak, settled: Settled, tried: int) -> Fit:
    """Last refinement at full canonical size, and the flow."""
    homography = settled.homography
    full = index.rasters[1]
    window = None if settled.agreement else full.window(homography, leak.shape)
    flow: Plane | None = None
    if window is not None:
        freedom = 4 if index.is_sparse else 8
        refined = refine(window, leak, homography, iterations=3, freedom=freedom, masked=settled.is_trusted)
        if refined is not None and (
            settled.is_trusted
            or settled.evidence.blocks > _MANY_BLOCKS
            or look(full, leak, refined).score > _WORTHWHILE * look(full, leak, homography).score
        ):
            homography = refined
        local = smooth_flow(window, leak, homography)
        if local is not None:
            flow = _unwindowed(local, window.from_canonical, index.shape)
    return Fit(
        homography=homography,
        mirrored=is_mirroring(homography),
        inverted=settled.origin.inverted,
        flow=flow,
        evidence=settled.z,
        blocks=(settled.evidence.score, settled.evidence.blocks),
        inliers=settled.origin.inliers,
        method=settled.origin.method,
        tried=tried,
    )


def _guessed(piece: Piece) -> Fit:
    return Fit(
        homography=piece.homography,
        mirrored=False,
        inverted=False,
        flow=None,
        evidence=0.0,
        blocks=(0.0, 0),
        inliers=0,
        method="piece",
        tried=1,
    )


def _unwindowed(local: Plane, from_canonical: Matrix, shape: tuple[int, int]) -> Plane:
    """A window's flow in a field of the whole canonical raster, 0 elsewhere."""
    flow = np.zeros((2, *shape), np.float32)
    left, top = round(-from_canonical[0, 2]), round(-from_canonical[1, 2])
    flow[:, top : top + local.shape[1], left : left + local.shape[2]] = local
    return flow
