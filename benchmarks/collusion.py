"""Who is named when recipients pool their copies: `python -m benchmarks.collusion`.

Every photograph is prepared at several sizes. K colluders take the files they were sent, merge them by each kind of
`benchmarks.attacks.collusion`, and post the result as JPEG 90. Traced means that at least one colluder is named and
nobody else is.

The price of a verdict is that of `--copies` issued copies. Scoring a million of them takes most of the time, so that
`--scored` may stand in: only so many copies are scored, and the rest is paid for as looks, to the same bound.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import math
import multiprocessing
import os
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from rich.progress import Progress

import watermark
from benchmarks.attacks.attack import Scene
from benchmarks.attacks.codecs import jpeg
from benchmarks.attacks.collusion import COLLUSIONS
from benchmarks.photographs import Rgb, at_megapixels, open_rgb, paths_in, wheel_paths
from benchmarks.report import Report, run

PROMISED = {0.4: 3, 2.0: 5, 12.0: 10}
"""Megapixels to the number of colluders of whom one is traced whatever they do."""
PROMISED_AVERAGE = (0.4, 20)
QUICK = {0.4: (3, 20), 2.0: (5,)}
POST = jpeg(90)


@dataclass(frozen=True, slots=True)
class Task:
    """A photograph, its size, and how many collude in which ways: one preparation and one issue serve all kinds."""

    photograph: Path
    megapixels: float
    colluders: int
    kinds: tuple[str, ...]
    copies: int
    scored: int
    seed: int


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one collusion.

    Attributes
    ----------
    colluders, innocents : how many of each are named.
    best : log10 of the best colluder's family-wise bound; 0 where none is ranked.
    mixture : whether the verdict calls the leak a mixture.
    """

    task: Task
    kind: str
    colluders: int
    innocents: int
    best: float
    mixture: bool

    @property
    def traced(self) -> bool:
        """Whether a colluder is named and no innocent is."""
        return self.colluders > 0 and self.innocents == 0


@lru_cache(maxsize=1)
def master_of(photograph: Path, megapixels: float) -> watermark.Master:
    """Prepare a photograph at a size; remembered, for its tasks follow one another."""
    key = hashlib.sha256(photograph.name.encode()).digest()
    return watermark.prepare(at_megapixels(open_rgb(photograph), megapixels), key=key)


def delivered(master: watermark.Master, serial: int) -> Rgb:
    """Pixels of the file a recipient is sent."""
    with Image.open(io.BytesIO(watermark.issue_jpeg(master, serial=serial))) as picture:
        return np.asarray(picture.convert("RGB"))


def collude(task: Task) -> list[Trial]:
    """Run all kinds of collusion of one task."""
    master = master_of(task.photograph, task.megapixels)
    rng = np.random.default_rng([task.seed, task.colluders, zlib.crc32(task.photograph.name.encode())])
    serials = rng.choice(task.scored, task.colluders, replace=False)
    copies = [delivered(master, int(serial)) for serial in serials]
    guilty, trials = {int(serial) for serial in serials}, []
    for kind in task.kinds:
        leak = POST(COLLUSIONS[kind](copies, rng), Scene(rng, ())).rgb
        reading = watermark.read(master, leak)
        looks = math.ceil(task.copies / task.scored)
        verdict = watermark.accuse(master, reading, serials=range(task.scored), looks=looks, keep=100)
        named = {accusation.serial for accusation in verdict.named}
        best = min((a.log10_bound for a in verdict.ranked if a.serial in guilty), default=0.0)
        trials.append(Trial(task, kind, len(named & guilty), len(named - guilty), best, verdict.mixture))
    return trials


def tasks(chosen: argparse.Namespace) -> Iterator[Task]:
    """List the tasks, photograph by photograph and size by size."""
    for path in chosen.photographs:
        for megapixels in chosen.megapixels:
            for colluders in chosen.colluders:
                kinds = tuple(chosen.kinds)
                if chosen.quick:
                    if colluders not in QUICK.get(megapixels, ()):
                        continue
                    kinds = kinds if colluders == PROMISED.get(megapixels) else ("avg",)
                yield Task(path, megapixels, colluders, kinds, chosen.copies, chosen.scored, chosen.seed)


def measure(chosen: argparse.Namespace, report: Report) -> None:
    """Run all tasks in a pool of processes and sum them up."""
    pictures = list(wheel_paths().values()) if chosen.images is None else paths_in(chosen.images)
    chosen.photographs = pictures[: 1 if chosen.quick else chosen.pictures]
    chosen.copies = min(chosen.copies, 10_000) if chosen.quick else chosen.copies
    chosen.scored = min(chosen.scored or chosen.copies, chosen.copies)
    origin = "scikit-image's photographs, enlarged with grain" if chosen.images is None else f"from {chosen.images}"
    report.notes.append(f"{len(chosen.photographs)} photographs: {origin}; {chosen.copies:,} copies stand accused")
    trials: list[Trial] = []
    listed = list(tasks(chosen))
    with (
        ProcessPoolExecutor(chosen.workers, multiprocessing.get_context("spawn"), cv2.setNumThreads, (1,)) as pool,
        Progress() as progress,
    ):
        bar = progress.add_task("collusion", total=len(listed))
        for found in pool.map(collude, listed):
            trials += found
            progress.advance(bar)
    summarise(trials, report)


def summarise(trials: Sequence[Trial], report: Report) -> None:
    """Turn trials into rows: size by size and number by number, then what was missed as notes."""
    report.add("innocents named", sum(t.innocents for t in trials), "copies", at_most=0, trials=len(trials))
    cells: dict[tuple[float, int], list[Trial]] = defaultdict(list)
    for trial in trials:
        cells[trial.task.megapixels, trial.task.colluders].append(trial)
    for (megapixels, colluders), members in cells.items():
        where = f"{colluders} at {megapixels:g} MP"
        promised = colluders <= PROMISED.get(megapixels, 0)
        report.add(f"traced: {where}", *_percent(members), at_least=100 if promised else None, trials=len(members))
        averages = [t for t in members if t.kind == "avg"]
        if averages and megapixels == PROMISED_AVERAGE[0] and colluders == PROMISED_AVERAGE[1]:
            report.add(f"traced: average of {where}", *_percent(averages), at_least=100, trials=len(averages))
        share = 100 * sum(t.colluders for t in members) / (colluders * len(members))
        report.add(f"colluders named: {where}", share, "%", trials=len(members))
        several = 100 * sum(t.mixture for t in members) / len(members)
        report.add(f"called a mixture: {where}", several, "%", trials=len(members))
        report.notes.append(f"{where}, kind: traced, fewest colluders named, weakest log10 bound of the best colluder")
        for kind in dict.fromkeys(t.kind for t in members):
            same = [t for t in members if t.kind == kind]
            hits, fewest, weakest = (
                sum(t.traced for t in same),
                min(t.colluders for t in same),
                max(t.best for t in same),
            )
            missed = ", ".join(t.task.photograph.stem for t in same if not t.traced)
            lost = f"; not traced in {missed}" if missed else ""
            report.notes.append(f"  {kind}: {hits} of {len(same)}, {fewest}, {weakest:.1f}{lost}")


def _percent(trials: Sequence[Trial]) -> tuple[float, str]:
    return 100 * sum(t.traced for t in trials) / len(trials), "%"


def options(parser: argparse.ArgumentParser) -> None:
    """Declare this benchmark's own options."""
    parser.add_argument("--images", type=Path, metavar="DIR", help="photographs to use instead of scikit-image's")
    parser.add_argument("--pictures", type=int, default=3, help="how many of them")
    parser.add_argument("--megapixels", type=float, nargs="+", default=[0.4, 2.0, 12.0], metavar="MP")
    parser.add_argument("--colluders", type=int, nargs="+", default=[2, 3, 5, 10, 20], metavar="K")
    parser.add_argument("--kinds", nargs="+", choices=tuple(COLLUSIONS), default=tuple(COLLUSIONS), metavar="KIND")
    parser.add_argument("--copies", type=int, default=1_000_000, help="copies issued")
    parser.add_argument("--scored", type=int, metavar="N", help="score only N of them, and pay for all")
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    parser.add_argument("--seed", type=int, default=7)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    return run("collusion", measure, argv, options, __doc__)


if __name__ == "__main__":
    sys.exit(main())
