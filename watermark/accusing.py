"""Accuse: which copies explain the symbols better than chance ever could?

The verdict names copies, never people, and only when the family-wise false-accusation probability - the bound for one
innocent copy, times the copies issued, times the looks taken - is at most 1e-9. Below the gate nobody is named, ranked
first or not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from .bound import log_bound
from .issuing import contrast
from .looks import Look, looks, seen
from .master import Master
from .reading import Reading, Symbols

Floats = NDArray[np.float64]

LOG10_GATE = -9.0
FEWEST_CELLS = 32
STRONG_SHARE = 0.5  # of the scores' variance, held by the cells that screen many copies
MANY_COPIES = 20_000
FINALISTS = 100  # of each look, scored in full


@dataclass(frozen=True)
class Accusation:
    """One copy's standing.

    Attributes
    ----------
    serial : the copy.
    score : its best score, in standard deviations of an innocent copy's.
    log10_bound : log10 of the family-wise false-accusation probability, at most 0.
    """

    serial: int
    score: float
    log10_bound: float


@dataclass(frozen=True)
class Verdict:
    """Outcome of scoring one reading against the copies issued.

    Attributes
    ----------
    ranked : the strongest copies, best first; for study, never to be shown when `named` is empty.
    copies : how many copies were in question.
    looks : how many ways of looking were paid for.
    mixture : several copies are named: the leak mixes them.
    reason, hint : why nobody is named and what better capture would help; None when a copy is named.
    """

    ranked: list[Accusation]
    copies: int
    looks: int
    reason: str | None = None
    hint: str | None = None

    @property
    def named(self) -> list[Accusation]:
        """The copies past the gate, best first; empty below it."""
        return [a for a in self.ranked if a.log10_bound <= LOG10_GATE]

    @property
    def mixture(self) -> bool:
        """Whether more than one copy is named."""
        return len(self.named) > 1


def accuse(master: Master, reading: Reading, *, serials: Iterable[int], looks: int = 1, keep: int = 20) -> Verdict:
    """Score every copy in question against a reading.

    Parameters
    ----------
    master : the prepared asset.
    reading : what was read off the leak.
    serials : the copies issued; the more there are, the higher the bar for each.
    looks : how many other tries the caller made on the same leak (assets tried, …), this one included.
    keep : how many copies to rank at least; all named ones are kept.
    """
    issued = np.unique(np.fromiter(serials, np.int64))
    if not reading.readable:
        return Verdict([], len(issued), looks, reading.reason, reading.hint)
    if not len(issued):
        return Verdict([], 0, looks, "No copy of this asset has been issued.", "Nothing can be traced to a copy.")
    weighed = [(s, *weigh(master, s)) for s in reading.hypotheses]
    taken = looks * sum(len(found) for _, _, found in weighed)
    price = log(len(issued)) + log(max(1, taken))
    best: dict[int, tuple[float, float]] = {}
    for _, cells, found in weighed:
        for serial, score, bound in score_looks(master, cells, found, issued):
            if serial not in best or bound < best[serial][1]:
                best[serial] = (score, bound)
    standing = [Accusation(s, t, min(0.0, (b + price) / log(10))) for s, (t, b) in best.items()]
    standing.sort(key=lambda a: (a.log10_bound, -a.score))
    kept = [a for i, a in enumerate(standing) if i < keep or a.log10_bound <= LOG10_GATE]
    verdict = Verdict(kept, len(issued), taken)
    if verdict.named:
        return verdict
    return Verdict(kept, len(issued), taken, *why_nobody(reading))


def weigh(master: Master, symbols: Symbols) -> tuple[NDArray[np.intp], list[Look]]:
    """Cells of a hypothesis that were seen, and its looks; no looks where too little was seen."""
    cells = seen(symbols.precisions)
    if len(cells) < FEWEST_CELLS:
        return cells, []
    biases = master.codebook.biases
    scale = contrast(biases)
    return cells, looks(symbols.correlations[cells] * scale, symbols.precisions[cells] * scale**2, biases[cells])


def score_looks(
    master: Master, cells: NDArray[np.intp], found: list[Look], issued: NDArray[np.int64]
) -> list[tuple[int, float, float]]:
    """Score copies under every look: (serial, score, natural log of one copy's bound) for the finalists.

    All copies are scored in single precision - with many copies, over the cells that hold half of each score's
    variance - and the best few of each look again, in full and in double precision. The first pass can miss a leaker,
    it can never accuse an innocent.
    """
    if not found:
        return []
    biases = master.codebook.biases[cells]
    slopes = np.stack([look.plus - look.minus for look in found])
    variances = biases * (1 - biases) * slopes**2
    screen = np.arange(len(cells))
    if len(issued) > MANY_COPIES:
        information = np.sum(variances / variances.sum(1, keepdims=True), axis=0)
        order = np.argsort(-information)
        screen = order[: int(np.searchsorted(np.cumsum(information[order]), STRONG_SHARE * len(found))) + 1]
    rough = master.codebook.scores(cells[screen], slopes[:, screen].astype(np.float32), issued)
    kept = min(FINALISTS, len(issued))
    top = np.unique(np.argpartition(-rough, kept - 1, axis=1)[:, :kept])
    finalists = issued[top]
    scores = slopes @ master.codebook.codewords(finalists)[:, cells].T.astype(np.float64)
    spread = np.sqrt(variances.sum(1)) + 1e-12
    heights = (scores - (slopes @ biases)[:, None]) / spread[:, None]
    bounds = np.stack(
        [log_bound(k.minus, k.plus, biases, s + k.minus.sum()) for k, s in zip(found, scores, strict=True)]
    )
    which = bounds.argmin(0)
    return [
        (int(s), float(heights[k, i]), float(bounds[k, i]))
        for i, (s, k) in enumerate(zip(finalists, which, strict=True))
    ]


def why_nobody(reading: Reading) -> tuple[str, str]:
    """State why a leak that was laid onto the original names nobody, and what would help."""
    if reading.coverage < 0.1:
        return (
            f"Only {reading.coverage:.0%} of the asset is visible, too little to tell the copies apart.",
            "Capture more of the picture: the uncropped post, or the largest version on the page.",
        )
    return (
        "The picture is recognised, but too little of the mark is left to tell the copies apart.",
        "Look for a sharper or less compressed version: the original post, a larger size, or the file itself.",
    )
