"""When: which moments of the video the frames of one shot of a leak show.

Within a shot time runs evenly, t = a u + b, u in the leak; a is 1 but for a change of speed. Each frame's signature,
laid onto the video's raster, is correlated with the signatures around, and the line that explains all frames best is
chosen. It need not explain all: pieces of one shot in another order do not lie on one line, so a frame that is better
off elsewhere counts little, and is left for a line of its own. A static shot leaves b open; its frames show the same
picture at every moment, and the reader tells the moments apart by the mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import signatures

Floats = NDArray[np.float64]
Plane = NDArray[np.float32]

RATES = np.concatenate([[1.0], np.arange(0.90, 1.1001, 0.01)])
RATE_PRICE = 0.02  # of the score, for any other speed than the original's
RATE_PRICE_AT_A_MOMENT = 0.03  # where the line must go through a given moment
SOFT = 0.02  # of correlation: a frame this much better off at another moment counts a third
FAITHFUL = 0.03  # of correlation that a frame may fall short of its best and still lie on the line
AROUND_S = 0.25
STEP_S = 0.04
REACH_S = 0.6
STARTS = 5
TIED = 0.004


@dataclass(frozen=True)
class TimeLine:
    """t = rate · u + offset_s, with the correlation it reaches and the span of offsets that do as well.

    Attributes
    ----------
    rate, offset_s : of the line.
    score : mean correlation of the signatures, at most 1.
    slack_s : (earliest, latest) change of the offset that nothing rules out.
    """

    rate: float
    offset_s: float
    score: float
    slack_s: tuple[float, float] = (0.0, 0.0)

    def at(self, leak_s: float) -> float:
        """Moment of the video that the leak shows at `leak_s`."""
        return self.rate * leak_s + self.offset_s


def correlations(shot: Sequence[tuple[Plane, NDArray[np.bool_]]], small: Plane) -> Floats:
    """Agreement of each frame of a shot with each signature of the video: (n, k)."""
    return np.stack([signatures.agreement(ours, seen, small) for ours, seen in shot])


def time_line(leak_s: Floats, table: Floats, times_s: Floats) -> TimeLine:
    """Find the line that explains a shot.

    Parameters
    ----------
    leak_s : (n,) times of the shot's frames in the leak.
    table : (n, k) agreement of its frames with the video's signatures.
    times_s : (k,) when those are shown, ascending.
    """
    n = len(leak_s)
    if n == 1:
        best = int(table[0].argmax())
        good = np.flatnonzero(table[0] > table[0, best] - TIED)
        together = run_around(good, best)
        slack = (float(times_s[together[0]] - times_s[best]), float(times_s[together[-1]] - times_s[best]))
        return TimeLine(1.0, float(times_s[best] - leak_s[0]), float(table[0, best]), slack)
    step = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 1.0
    soft = np.exp((table - table.max(1, keepdims=True)) / SOFT)
    coarse: Floats = np.arange(float(times_s[0] - leak_s[-1]), float(times_s[-1] - leak_s[0]) + step, step / 2)
    starts = coarse[np.argsort(-mean_along(leak_s, soft, times_s, 1.0, coarse))[: STARTS * 4]][::2]
    rate, offset, most = 1.0, float(starts[0]), -1.0
    middle = float(leak_s.mean())
    for some in RATES.tolist():
        for start in starts[:STARTS]:
            offsets = start + (1 - some) * middle + np.arange(-REACH_S, REACH_S, STEP_S)
            scores = mean_along(leak_s, soft, times_s, some, offsets) - RATE_PRICE * (some != 1)
            at = int(scores.argmax())
            if scores[at] > most + 1e-9:
                rate, offset, most = some, float(offsets[at]), float(scores[at])
    around = offset + np.arange(-40, 41).astype(np.float64) * step
    scores = mean_along(leak_s, table, times_s, rate, around)
    together = run_around(np.flatnonzero(scores > scores[40] - TIED), 40)
    slack = (float((together[0] - 40) * step), float((together[-1] - 40) * step))
    return TimeLine(rate, offset, float(scores[40]), slack)


def line_through(
    leak_s: Floats, table: Floats, times_s: Floats, moment: tuple[float, float], slack_s: tuple[float, float]
) -> TimeLine:
    """The line through one moment that explains a shot best.

    Where the place was found at that moment too, a wrong moment of a pan is explained best at a wrong speed. So only
    clear evidence takes the speed away from the original's.

    Parameters
    ----------
    leak_s, table, times_s : as for `time_line`.
    moment : (in the leak, in the video), s.
    slack_s : of the line.
    """
    leak_at, video_at = moment
    best, most = TimeLine(1.0, video_at - leak_at, -1.0, slack_s), -1.0
    for rate in RATES.tolist():
        offset = np.array([video_at - rate * leak_at])
        score = float(mean_along(leak_s, table, times_s, rate, offset)[0])
        worth = score - RATE_PRICE_AT_A_MOMENT * (rate != 1)
        if worth > most:
            best, most = TimeLine(rate, float(offset[0]), score, slack_s), worth
    return best


def faithful(line: TimeLine, leak_s: Floats, table: Floats, times_s: Floats) -> NDArray[np.bool_]:
    """Which frames of a shot lie on its line, give or take the distance of two signatures: (n,)."""
    at = line.rate * leak_s[:, None] + line.offset_s
    apart = np.abs(times_s[None] - at)
    near = apart <= np.maximum(AROUND_S, apart.min(1, keepdims=True))
    return np.asarray(np.where(near, table, -1.0).max(1) >= table.max(1) - FAITHFUL)


def run_around(good: NDArray[np.intp], middle: int) -> NDArray[np.intp]:
    """The unbroken run of `good` that holds `middle`; `middle` alone where none does."""
    if middle not in good:
        return np.array([middle])
    parts = np.split(good, np.flatnonzero(np.diff(good) > 1) + 1)
    return next(part for part in parts if middle in part)


def mean_along(leak_s: Floats, table: Floats, times_s: Floats, rate: float, offsets: Floats) -> Floats:
    """Mean agreement along lines of one rate: (len(offsets),); moments outside the video count nothing."""
    late = times_s[-1] + (times_s[-1] - times_s[0]) / max(1, len(times_s) - 1)
    at = rate * leak_s[:, None] + offsets[None]
    after = np.clip(np.searchsorted(times_s, at), 1, len(times_s) - 1) if len(times_s) > 1 else np.zeros(at.shape, int)
    before = np.maximum(after - 1, 0)
    apart = np.maximum(times_s[after] - times_s[before], 1e-12)
    share = np.clip((at - times_s[before]) / apart, 0, 1)
    rows = np.arange(len(leak_s))[:, None]
    between = table[rows, before] * (1 - share) + table[rows, after] * share
    inside = (at >= times_s[0] - 1e-6) & (at <= late)
    return np.asarray(np.where(inside, between, 0.0).mean(0))
