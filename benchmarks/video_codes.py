"""Which biases suit a video of a given length? `python -m benchmarks.video_codes`.

A simulation of symbols alone: copies of a video of so many seconds are mixed as colluders would mix them, each symbol
is read with noise as large as half the distance of the variants, and 100,000 copies are accused at the usual gate. The
law that is chosen by length stands beside p = 1/2 throughout and beside half arcsine throughout. Of so many copies only
some are scored and the rest is paid for, to the same bound. Found means that a colluder is named and nobody else.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Callable, Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import Report, run
from watermark import registration
from watermark.accusing import LOG10_GATE, score_copies, weigh
from watermark.codebook import Codebook
from watermark.issuing import contrast
from watermark.symbols import Symbols
from watermark.video import codes

SLICES, GOPS_PER_S = 90, 1.0
NOISE = 1.0
COPIES, SCORED = 100_000, 2_000
LENGTHS_S = (5, 15, 30, 60)
COLLUDERS = (1, 2, 3, 5)
QUICK = (5, 30), (1, 3)
Bits = NDArray[np.float64]
Mix = Callable[[Bits, np.random.Generator], Bits]
PLACE = registration.Fit(np.eye(3), False, False, None, 0.0, (0.0, 0), 0, "hint", 1)


def averaging(shown: Bits, rng: np.random.Generator) -> Bits:
    """The mean of all copies."""
    return shown.mean(0)


def by_slice(shown: Bits, rng: np.random.Generator) -> Bits:
    """In every slice of every group another copy."""
    return np.asarray(shown[rng.integers(0, len(shown), shown.shape[1]), np.arange(shown.shape[1])])


def by_group(shown: Bits, rng: np.random.Generator) -> Bits:
    """In every group of pictures another copy."""
    turn = rng.integers(0, len(shown), -(-shown.shape[1] // SLICES)).repeat(SLICES)[: shown.shape[1]]
    return np.asarray(shown[turn, np.arange(shown.shape[1])])


def minority(shown: Bits, rng: np.random.Generator) -> Bits:
    """Wherever copies differ, the variant that fewer show."""
    return np.where(np.abs(shown.sum(0)) == len(shown), shown[0], -np.sign(shown.sum(0) + 1e-9 * shown[0]))


MIXES: dict[str, Mix] = {"averaging": averaging, "GOP mix": by_group, "slice mix": by_slice, "minority": minority}


def codebook(seconds: int, share: float, trial: int) -> Codebook:
    """Codewords of a video of that length with that share of arcsine cells."""
    key = zlib.crc32(f"{seconds} {trial}".encode()).to_bytes(32, "big")
    groups = round(seconds * GOPS_PER_S)
    thresholds = [codes.group_thresholds(key, SLICES, share, 0, group) for group in range(groups)]
    return codes.book(key, np.concatenate(thresholds))


def found(book: Codebook, colluders: int, mix: Mix, trial: int) -> tuple[bool, int]:
    """Mix the first copies and accuse; returns whether one of them is named, and how many others are."""
    rng = np.random.default_rng([trial, colluders])
    shown = mix(np.where(book.codewords(range(colluders)), 1.0, -1.0), rng)
    read = shown - (2 * book.biases - 1) + NOISE * rng.standard_normal(len(shown))
    scale, precision = contrast(book.biases), np.full(len(read), NOISE**-2)
    symbols = Symbols(precision * read / scale, precision / scale**2, 1.0, PLACE)
    weighings = weigh(book, symbols)
    price = log(COPIES) + log(len(weighings))
    standing = score_copies(book, weighings, np.arange(SCORED, dtype=np.int64))
    named = {serial for serial, _, bound in standing if (bound + price) / log(10) <= LOG10_GATE}
    return any(serial < colluders for serial in named), sum(serial >= colluders for serial in named)


def measure(chosen: argparse.Namespace, report: Report) -> None:
    """One row per length, number of colluders and law: the share of mixtures that name one of them."""
    lengths, gangs = QUICK if chosen.quick else (LENGTHS_S, COLLUDERS)
    trials = 1 if chosen.quick else chosen.trials
    others = tried = 0
    for seconds in lengths:
        cells = round(seconds * GOPS_PER_S) * SLICES
        for law, share in (("by length", codes.arcsine_share(cells)), ("p = 1/2", 0.0), ("half arcsine", 0.5)):
            for colluders in gangs:
                mixes = MIXES if colluders > 1 else {"alone": averaging}
                outcomes = [
                    found(codebook(seconds, share, trial), colluders, mix, trial)
                    for mix in mixes.values()
                    for trial in range(trials)
                ]
                others += sum(count for _, count in outcomes)
                tried += len(outcomes)
                named = 100 * sum(hit for hit, _ in outcomes) / len(outcomes)
                report.add(f"{seconds} s, {colluders} mixed, {law} ({share:.2f})", named, "%", trials=len(outcomes))
    report.add("copies named that were not mixed", others, "copies", at_most=0, trials=tried)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare this benchmark's own options."""
    parser.add_argument("--trials", type=int, default=4, help="of every mixture")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    return run("video_codes", measure, argv, options, __doc__)


if __name__ == "__main__":
    sys.exit(main())
