"""Accuse while reading: stop as soon as a copy is named, and pay for every look at the symbols on the way.

Whoever looks again and again until something is significant will find something. So the gate is spent over the
stages: the k-th look may name a copy only if its bound, times k (k + 1), passes. Since the sum of 1 / (k (k + 1)) over
all k is 1, the probability that an innocent copy is ever named, at whatever stage reading stops, stays below the gate.
Within a stage the bound is that of the still picture: codewords are independent of all that is read.

References
----------
K. K. G. Lan, D. L. DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70(3), 1983,
doi:10.1093/biomet/70.3.659 (spending of error); S. R. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, "Time-uniform
Chernoff bounds via nonnegative supermartingales", Probability Surveys 17, 2020, doi:10.1214/18-PS321 (stitching).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from watermark.accusing import LOG10_GATE, Verdict, judge, sorted_serials

from .master import Master
from .reading import Reading

MARGIN = 1.0  # decades past the gate at which reading stops
NOBODY = (
    "The video is recognised, but too little of the mark is left to tell the copies apart.",
    "Look for a longer, sharper or less compressed part: every second counts.",
)


@dataclass(frozen=True)
class Traced:
    """Outcome of reading and accusing stage by stage.

    Attributes
    ----------
    verdict : the last stage's, with all stages paid for.
    reading : the last stage's.
    """

    verdict: Verdict
    reading: Reading


def accuse(master: Master, reading: Reading, *, serials: Iterable[int], looks: int = 1, keep: int = 20) -> Verdict:
    """Score every copy in question against one stage's reading.

    Parameters
    ----------
    master : the prepared video.
    reading : of stage k; costs k (k + 1) times its own looks, or those alone where there is only one.
    serials : the copies issued; the more there are, the higher the bar for each.
    looks : how many other tries the caller made on the same leak (videos tried, …), this one included.
    keep : how many copies to rank at least; all named ones are kept.
    """
    issued = sorted_serials(serials)
    if not reading.readable:
        return Verdict([], len(issued), looks, reading.reason, reading.hint)
    if not len(issued):
        return Verdict([], 0, looks, "No copy of this video has been issued.", "Nothing can be traced to a copy.")
    paid = looks * max(1, reading.stage * (reading.stage + 1))
    return judge(master.codebook, reading.hypotheses, issued, looks=paid, keep=keep, otherwise=NOBODY)


def trace(
    master: Master, stages: Iterable[Reading], *, serials: Iterable[int], looks: int = 1, everything: bool = False
) -> Traced:
    """Accuse at every stage until a copy is named with a margin, or the leak ends.

    Parameters
    ----------
    master : the prepared video.
    stages : what `reading.read_stages` yields.
    serials, looks : as for `accuse`.
    everything : read to the end, which finds further leakers of a mixture.
    """
    issued = sorted_serials(serials).tolist()
    last: Traced | None = None
    for reading in stages:
        verdict = accuse(master, reading, serials=issued, looks=looks)
        last = Traced(verdict, reading)
        certain = verdict.ranked and verdict.ranked[0].log10_bound <= LOG10_GATE - MARGIN
        if certain and not everything:
            break
    if last is None:
        raise ValueError("A leak yields at least one reading.")
    return last
