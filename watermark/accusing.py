"""Accuse: which copies explain the symbols better than chance ever could?

The verdict names copies, never people, and only when the family-wise false-accusation probability - the bound for one
innocent copy, times the copies issued, times the looks taken - is at most 1e-9. Below the gate nobody is named, ranked
first or not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import log

import numpy as np
from numpy.typing import NDArray

from .bound import log_bound
from .codebook import Codebook
from .issuing import contrast
from .looks import LEAKERS, Look, looks, seen
from .master import Master
from .reading import Reading
from .symbols import Symbols

Floats = NDArray[np.float64]

LOG10_GATE = -9.0
FEWEST_CELLS = 32
FEWEST_SCREENED = 300  # cells in the first round: over fewer a rare bit or two would decide
LARGEST_SHARE = 0.2  # of every look's variance: the cells that many copies are first screened by hold no more
CLEAR_HEIGHT = 4.0  # of a leaker over the cells of the first round, in standard deviations of an innocent's score
PEAK = 8.0  # times a look's mean: more variance in one cell counts for no more, since a look that misfits has it there
THINNING = 16  # of the copies screened, one goes on to the next round
FEW_COPIES = 4_000  # are not thinned further
MANY_COPIES = 20_000
MANY_CELLS = 1_000  # fewer are scored in full for every copy: a fifth of 68 symbols would rank nobody
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
    issued = sorted_serials(serials)
    if not reading.symbols:
        return Verdict([], len(issued), looks, reading.reason, reading.hint)
    if not len(issued):
        return Verdict([], 0, looks, "No copy of this asset has been issued.", "Nothing can be traced to a copy.")
    return judge(master.codebook, reading.symbols, issued, looks=looks, keep=keep, otherwise=why_nobody(reading))


def judge(
    codebook: Codebook,
    hypotheses: Sequence[Symbols],
    issued: NDArray[np.int64],
    *,
    looks: int,
    keep: int,
    otherwise: tuple[str, str],
) -> Verdict:
    """Score copies under every look at the hypotheses, and pay for all of them.

    Parameters
    ----------
    codebook : of the asset.
    hypotheses : soft symbols.
    issued : (n,) serials in question, sorted and distinct; at least one.
    looks, keep : as for `accuse`.
    otherwise : reason and hint where nobody is named.
    """
    weighings = [look for symbols in hypotheses for look in weigh(codebook, symbols)]
    taken = looks * max(1, len(weighings))
    price = log(len(issued)) + log(taken)
    standing = [
        Accusation(serial, score, min(0.0, (bound + price) / log(10)))
        for serial, score, bound in score_copies(codebook, weighings, issued)
    ]
    standing.sort(key=lambda a: (a.log10_bound, -a.score))
    kept = [a for i, a in enumerate(standing) if i < keep or a.log10_bound <= LOG10_GATE]
    verdict = Verdict(kept, len(issued), taken)
    return verdict if verdict.named else replace(verdict, reason=otherwise[0], hint=otherwise[1])


def sorted_serials(serials: Iterable[int]) -> NDArray[np.int64]:
    """Distinct serials in order; a range is taken as it is."""
    if isinstance(serials, range) and serials.step == 1:
        return np.arange(serials.start, serials.stop, dtype=np.int64)
    return np.unique(np.fromiter(serials, np.int64))


def weigh(codebook: Codebook, symbols: Symbols) -> list[Look]:
    """The looks at one hypothesis, over all cells of the asset; none where too little was seen."""
    cells = seen(symbols.precisions)
    if len(cells) < FEWEST_CELLS:
        return []
    biases, scale = codebook.biases, contrast(codebook.biases)
    found = looks(symbols.correlations[cells] * scale, symbols.precisions[cells] * scale**2, biases[cells])
    return [look.spread(cells, len(biases)) for look in found]


def score_copies(
    codebook: Codebook, weighings: list[Look], issued: NDArray[np.int64]
) -> list[tuple[int, float, float]]:
    """Score copies under every look: (serial, score, natural log of one copy's bound) for the finalists.

    The finalists come from a screening in single precision, and are scored again in full and in double precision. A
    screening can miss a leaker, it can never accuse an innocent.
    """
    if not weighings:
        return []
    biases = codebook.biases
    finalists = screen(codebook, weighings, issued)
    slopes, variances = slopes_and_variances(weighings, biases)
    scores = slopes @ codebook.codewords(finalists).T.astype(np.float64)
    heights = (scores - (slopes @ biases)[:, None]) / (np.sqrt(variances.sum(1)) + 1e-12)[:, None]
    bounds = np.stack(
        [log_bound(k.minus, k.plus, biases, s + k.minus.sum()) for k, s in zip(weighings, scores, strict=True)]
    )
    which = bounds.argmin(0)
    return [
        (int(s), float(heights[k, i]), float(bounds[k, i]))
        for i, (s, k) in enumerate(zip(finalists, which, strict=True))
    ]


def enough(weighings: list[Look], slopes: Floats, variances: Floats, biases: Floats, order: NDArray[np.intp]) -> int:
    """How many of the cells, in that order, many copies are screened by first.

    A copy that is one of ten leakers of the fitted channel shows + in a cell with probability p exp(w+), so its score
    is expected to stand Σ p (exp(w+) - 1) (w+ - w-) above chance. As many cells do as put that far above; at most those
    that hold a fifth of every look's variance, since a channel may not fit.
    """
    spread = np.cumsum(variances[:, order], axis=1)
    far = np.min(spread / (spread[:, -1:] + 1e-300), axis=0) >= LARGEST_SHARE
    stands_out = np.zeros(len(order), bool)
    for look in weighings:
        if look.name == f"ratio-{LEAKERS[-1]}":
            height = np.cumsum(slopes[:, order] * (biases * np.expm1(look.plus))[order], axis=1)
            stands_out |= (height > CLEAR_HEIGHT * np.sqrt(spread)).any(0)
    return int(np.argmax(far | stands_out)) + 1


def screen(codebook: Codebook, weighings: list[Look], issued: NDArray[np.int64]) -> NDArray[np.int64]:
    """The copies that may be leakers: the best few of each look, sorted.

    Few copies are scored over all cells. Of many, the highest sixteenth over the cells that tell most goes on to twice
    as many cells, and so forth.
    """
    biases = codebook.biases
    slopes, variances = slopes_and_variances(weighings, biases)
    information = variances / (variances.sum(1, keepdims=True) + 1e-300)
    worth = np.minimum(information, PEAK * information.mean(1, keepdims=True)).sum(0)
    order = np.argsort(-worth, kind="stable")[: np.count_nonzero(worth)]
    whole = len(issued) <= MANY_COPIES or len(order) <= MANY_CELLS
    stop = len(order) if whole else max(FEWEST_SCREENED, enough(weighings, slopes, variances, biases, order))
    survivors, done = issued, 0
    rough: NDArray[np.float32] | None = None
    while True:
        cells = np.sort(order[done:stop])
        scores = codebook.scores(cells, slopes[:, cells].astype(np.float32), survivors)
        rough = scores if rough is None else rough + scores
        if whole or len(survivors) <= FEW_COPIES:
            break
        scored = order[:stop]
        means = (slopes[:, scored] @ biases[scored]).astype(np.float32)
        deviations = np.sqrt(variances[:, scored].sum(1) + 1e-24).astype(np.float32)
        heights = reduce(np.maximum, ((r - m) / d for r, m, d in zip(rough, means, deviations, strict=True)))
        kept = max(FEW_COPIES, len(survivors) // THINNING)
        chosen = np.sort(np.argpartition(-heights, kept - 1)[:kept])
        survivors, rough, done, stop = survivors[chosen], rough[:, chosen], stop, min(2 * stop, len(order))
    kept = min(FINALISTS, len(survivors))
    return survivors[np.unique(np.argpartition(-rough, kept - 1, axis=1)[:, :kept])]


def slopes_and_variances(weighings: list[Look], biases: Floats) -> tuple[Floats, Floats]:
    """What a copy gains under each look by showing + in a cell, and the variance of that: (looks, m) each."""
    slopes = np.stack([look.plus - look.minus for look in weighings])
    return slopes, biases * (1 - biases) * slopes**2


def why_nobody(reading: Reading) -> tuple[str, str]:
    """State why a leak names nobody, and what would help."""
    if reading.reason and reading.hint:
        return reading.reason, reading.hint
    if reading.coverage < 0.1:
        return (
            f"Only {reading.coverage:.0%} of the asset is visible, too little to tell the copies apart.",
            "Capture more of the picture: the uncropped post, or the largest version on the page.",
        )
    return (
        "The picture is recognised, but too little of the mark is left to tell the copies apart.",
        "Look for a sharper or less compressed version: the original post, a larger size, or the file itself.",
    )
