"""Does chance ever pass the bound? `python -m benchmarks.calibration`.

Codewords that nobody holds are scored against real readings: of unmarked pictures, of copies of another asset, of
damaged and of colluded leaks. For each look the share of scores whose bound is at most 10^-k is held against 10^-k.
Scores of one reading share its symbols, so the intervals resample whole pictures (a cluster bootstrap).

One null score is one innocent codeword under one look of one reading; the gate is checked on each copy's verdict, all
looks together.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from rich.progress import track

import watermark
from benchmarks.attacks import SUITE
from benchmarks.attacks.collusion import COLLUSIONS
from benchmarks.photographs import Rgb, from_wheel, open_rgb, paths_in
from benchmarks.report import Report, run
from watermark.accusing import weigh
from watermark.bound import log_bound
from watermark.looks import Look

LEVELS = tuple(range(3, 9))
FIRST_INNOCENT = 1 << 20
BLOCK = 1 << 15
GUILTY = tuple(range(1, 8))


@dataclass(frozen=True)
class Nulls:
    """Counts of one reading.

    Attributes
    ----------
    picture : the cluster it belongs to.
    scores : null scores drawn.
    exceeding : how many had a bound of at most 10^-k, for each of `LEVELS`.
    lowest : log10 of the family-wise bound of the luckiest copy, all looks paid.
    """

    picture: str
    scores: int
    exceeding: npt.NDArray[np.int64]
    lowest: float


def leaks(name: str, original: Rgb, master: watermark.Master, other: Rgb, seed: int) -> dict[str, Rgb]:
    """Make the leaks whose readings innocents are scored against."""
    rng = np.random.default_rng([seed, len(name)])
    copies = [watermark.issue(master, serial=s) for s in GUILTY]
    twin = watermark.prepare(original, key=hashlib.sha256(b"twin" + name.encode()).digest())

    def attacked(attack: str, rgb: Rgb) -> Rgb:
        return SUITE[attack].apply(rgb, rng).rgb

    return {
        "unmarked": original,
        "unmarked, JPEG 30": attacked("jpeg_q30", original),
        "another picture": np.ascontiguousarray(cv2.resize(other, original.shape[1::-1])),
        "the same picture under another key": watermark.issue(twin, serial=3),
        "damaged": attacked("kitchen_sink", copies[0]),
        "screen photo": attacked("screencam_hard", copies[0]),
        "averaged by 5": COLLUSIONS["avg"](copies[:5], rng),
        "minority of 3": COLLUSIONS["modneg"](copies[:3], rng),
        "minimum of 7": COLLUSIONS["min"](copies, rng),
        "patchwork of 3": COLLUSIONS["patch_64"](copies[:3], rng),
    }


def draw_nulls(
    picture: str, master: watermark.Master, readings: Sequence[watermark.Reading], copies: int
) -> list[Nulls]:
    """Score `copies` serials that were never issued under every look of every reading, all at once: words are dear."""
    codebook = master.codebook
    looks = [[look for symbols in reading.symbols for look in weigh(codebook, symbols)] for reading in readings]
    found = [look for own in looks for look in own]
    if not found:
        return [Nulls(picture, 0, np.zeros(len(LEVELS), np.int64), 0.0) for _ in readings]
    slopes = np.stack([look.plus - look.minus for look in found]).astype(np.float32)
    cells = np.flatnonzero(np.abs(slopes).sum(0))
    gates = np.stack([thresholds(look, codebook.biases) for look in found])
    exceeding = np.zeros((len(found), len(LEVELS)), np.int64)
    highest = np.full(len(found), -np.inf)
    for start in range(FIRST_INNOCENT, FIRST_INNOCENT + copies, BLOCK):
        serials = np.arange(start, min(start + BLOCK, FIRST_INNOCENT + copies), dtype=np.int64)
        scores = codebook.scores(cells, slopes[:, cells], serials).astype(np.float64)
        highest = np.maximum(highest, scores.max(1))
        for k in range(len(LEVELS)):
            exceeding[:, k] += np.sum(scores >= gates[:, k, None], axis=1)
    out, first = list[Nulls](), 0
    for own in looks:
        rows = slice(first, first + len(own))
        first += len(own)
        bounds = [
            log_bound(look.minus, look.plus, codebook.biases, np.array([top + look.minus.sum()]))[0]
            for look, top in zip(own, highest[rows], strict=True)
        ]
        price = np.log(copies) + np.log(max(1, len(own)))
        lowest = float(min(0.0, (min(bounds, default=0.0) + price) / np.log(10)))
        out.append(Nulls(picture, copies * len(own), exceeding[rows].sum(0), lowest))
    return out


def thresholds(look: Look, biases: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Lowest score (without the constant of variant -) whose bound reaches each of `LEVELS`, by bisection."""
    slopes = look.plus - look.minus
    spread = np.sqrt(np.sum(biases * (1 - biases) * slopes**2)) + 1e-300
    middle = np.sum(biases * slopes)
    low, high = np.zeros(len(LEVELS)), np.full(len(LEVELS), 80.0)
    wanted = -np.log(10.0) * np.array(LEVELS)
    for _ in range(40):
        tried = (low + high) / 2
        reached = log_bound(look.minus, look.plus, biases, middle + tried * spread + look.minus.sum()) <= wanted
        low, high = np.where(reached, low, tried), np.where(reached, tried, high)
    return np.asarray(middle + high * spread)


def interval(nulls: Sequence[Nulls], level: int, draws: int = 2000) -> tuple[float, float]:
    """95 % interval of observed over allowed at one level, resampling pictures."""
    names = sorted({n.picture for n in nulls})
    hits = np.array([sum(int(n.exceeding[level]) for n in nulls if n.picture == name) for name in names])
    allowed = np.array([sum(n.scores for n in nulls if n.picture == name) for name in names]) * 10.0 ** -LEVELS[level]
    chosen = np.random.default_rng(1).integers(len(names), size=(draws, len(names)))
    ratios = hits[chosen].sum(1) / np.maximum(allowed[chosen].sum(1), 1e-300)
    return float(np.percentile(ratios, 2.5)), float(np.percentile(ratios, 97.5))


def measure(chosen: argparse.Namespace, report: Report) -> None:
    """Draw the nulls picture by picture and hold them against the bound."""
    cv2.setNumThreads(1)
    load: dict[str, Callable[[], Rgb]] = {name: partial(from_wheel().__getitem__, name) for name in from_wheel()}
    if chosen.images is not None:
        load = {path.name: partial(open_rgb, path) for path in paths_in(chosen.images)}
    names = list(load)[: 2 if chosen.quick else chosen.pictures]
    copies = min(chosen.copies, 20_000) if chosen.quick else chosen.copies
    nulls: list[Nulls] = []
    unread: list[str] = []
    for i, name in enumerate(track(names, "calibration")):
        original = load[name]()
        if max(original.shape) > chosen.side:
            factor = chosen.side / max(original.shape)
            original = cv2.resize(original, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        master = watermark.prepare(original, key=hashlib.sha256(name.encode()).digest())
        other = load[names[(i + 1) % len(names)]]()
        readings = {
            kind: watermark.read(master, leak)
            for kind, leak in leaks(name, original, master, other, chosen.seed).items()
        }
        unread += [f"{kind} of {name}" for kind, reading in readings.items() if not reading.symbols]
        nulls += draw_nulls(name, master, [reading for reading in readings.values() if reading.symbols], copies)
    scores = sum(n.scores for n in nulls)
    report.add("null scores", scores, "", at_least=None if chosen.quick else 1e9, trials=len(nulls))
    for k, level in enumerate(LEVELS):
        hits = sum(int(n.exceeding[k]) for n in nulls)
        ratio = hits / max(scores * 10.0**-level, 1e-300)
        report.add(f"observed / allowed at 1e-{level}", ratio, "", at_most=1.0, trials=scores)
        low, high = interval(nulls, k)
        report.notes.append(f"1e-{level}: {hits} scores; ratio {low:.3f} to {high:.3f} (95 %, pictures resampled)")
    luckiest = min((n.lowest for n in nulls), default=0.0)
    report.add("luckiest innocent, log10 of its verdict", luckiest, "", at_least=-9.0, trials=len(nulls))
    report.add("innocents past the gate", sum(n.lowest <= -9 for n in nulls), "", at_most=0, trials=len(nulls))
    report.notes += [f"not registered, so never scored: {kind}" for kind in unread]


def options(parser: argparse.ArgumentParser) -> None:
    """Declare this benchmark's own options."""
    parser.add_argument("--images", type=Path, metavar="DIR", help="photographs to use instead of scikit-image's")
    parser.add_argument("--pictures", type=int, default=12, help="how many of them")
    parser.add_argument("--side", type=int, default=1024, help="shrink larger ones to this long side, px")
    parser.add_argument("--copies", type=int, default=1_000_000, help="innocent codewords per reading")
    parser.add_argument("--seed", type=int, default=5)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    return run("calibration", measure, argv, options, __doc__)


if __name__ == "__main__":
    sys.exit(main())
