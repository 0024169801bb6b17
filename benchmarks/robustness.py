"""Who is named when a marked copy leaks through each attack: `python -m benchmarks.robustness`.

Every photograph is prepared once and one copy is issued twice: as pixels, and as the JPEG a recipient downloads. The
leak an attack sees is the decoded JPEG in odd trials and the pixels in even ones, so both ways out are measured. The
reader gets the leak and the prepared master, nothing of what the attack did; all serials stand accused. With `--scored`
only so many of them are scored, and the bound pays for the others as if each had been: what is named so would be named
among all of them.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import sys
import time
import traceback
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import watermark
from benchmarks.attacks import CORE, FRONTIER, SUITE
from benchmarks.attacks.chromium import BROWSER
from benchmarks.photographs import Rgb, open_rgb, paths_in, wheel_paths
from benchmarks.report import Report, run, wilson

QUICK_PHOTOGRAPHS = ("astronaut", "coffee")


class Outcome(Enum):
    """Whom the verdict names."""

    RIGHT = "right"
    OTHER = "somebody else"
    NOBODY = "nobody"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Task:
    """One trial to run: plain data, so that it travels to a worker."""

    photograph: Path
    attack: str
    from_jpeg: bool
    copies: int
    scored: int
    max_megapixels: float
    seed: int


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a task.

    Attributes
    ----------
    score, log10_bound : float or None
        Of the copy that leaked, where it was ranked.
    why : str
        The reader's reason for naming nobody, or the error.
    cpu_s : float
        CPU seconds to read and accuse.
    psnr_db : float or None
        Of the issued pixels.
    """

    task: Task
    outcome: Outcome
    score: float | None = None
    log10_bound: float | None = None
    why: str = ""
    cpu_s: float = 0.0
    psnr_db: float | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A prepared photograph and the copy that leaks."""

    master: watermark.Master
    serial: int
    pixels: Rgb
    decoded: Rgb
    psnr_db: float


@lru_cache(maxsize=1)
def issued(photograph: Path, serials: int, max_megapixels: float) -> Issued:
    """Prepare a photograph and issue one copy both ways; remembered, for a worker meets it again at once."""
    original = _at_most(open_rgb(photograph), max_megapixels)
    key = hashlib.sha256(photograph.name.encode()).digest()
    serial = zlib.crc32(key) % serials
    master = watermark.prepare(original, key=key)
    pixels = watermark.issue(master, serial=serial)
    with Image.open(BytesIO(watermark.issue_jpeg(master, serial=serial))) as picture:
        decoded = np.asarray(picture.convert("RGB"))
    return Issued(master, serial, pixels, decoded, psnr_db(original, pixels))


def psnr_db(a: Rgb, b: Rgb) -> float:
    """Return the peak signal-to-noise ratio 10 log₁₀(255² / mean squared difference), in dB."""
    squared = cv2.norm(a, b, cv2.NORM_L2SQR) / a.size
    return float(10 * np.log10(255**2 / max(squared, 1e-9)))


def _at_most(rgb: Rgb, megapixels: float) -> Rgb:
    factor = (megapixels * 1e6 / (rgb.shape[0] * rgb.shape[1])) ** 0.5
    return rgb if factor >= 1 else cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def attempt(task: Task) -> Trial:
    """Run one trial; an error is an outcome, with its last lines, and counts against the mark."""
    start = time.process_time()
    try:
        copy = issued(task.photograph, task.scored, task.max_megapixels)
        seed = [task.seed, zlib.crc32(task.photograph.name.encode()), zlib.crc32(task.attack.encode())]
        leak = copy.decoded if task.from_jpeg else copy.pixels
        attacked = SUITE[task.attack].apply(leak, np.random.default_rng(seed))
        start = time.process_time()
        reading = watermark.read(copy.master, attacked.rgb)
        paid = -(-task.copies // task.scored)
        verdict = watermark.accuse(copy.master, reading, serials=range(task.scored), looks=paid)
    except Exception:  # the trial's report carries it; one broken trial must not hide the others
        why = " | ".join(traceback.format_exc().strip().splitlines()[-3:])
        return Trial(task, Outcome.ERROR, why=why)
    named = {accusation.serial for accusation in verdict.named}
    others = named - {copy.serial}
    outcome = Outcome.OTHER if others else Outcome.RIGHT if named else Outcome.NOBODY
    own = next((a for a in verdict.ranked if a.serial == copy.serial), None)
    score, bound = (own.score, own.log10_bound) if own else (None, None)
    return Trial(task, outcome, score, bound, verdict.reason or "", time.process_time() - start, copy.psnr_db)


def _start_worker() -> None:
    cv2.setNumThreads(1)  # one core a worker: timings add up, and workers do not fight


def tasks(chosen: argparse.Namespace) -> Iterator[Task]:
    """List the trials, photograph by photograph, so that a worker prepares each of them once."""
    suite = {"core": CORE, "frontier": FRONTIER, "full": SUITE}[chosen.suite]
    names = [name for name, attack in suite.items() if attack.family in (chosen.families or {attack.family})]
    for row, path in enumerate(chosen.photographs):
        for column, name in enumerate(names):
            from_jpeg = (row + column) % 2 == 1
            scored = min(chosen.copies, chosen.scored or chosen.copies)
            yield Task(path, name, from_jpeg, chosen.copies, scored, chosen.max_megapixels, chosen.seed)


def measure(chosen: argparse.Namespace, report: Report) -> None:
    """Run all trials in a pool of processes and sum them up."""
    if chosen.suite is None:
        chosen.suite = "core" if chosen.quick else "full"
    chosen.photographs = _photographs(chosen, report)
    graphics = {path for path in chosen.photographs if path.parent == chosen.graphics}
    if BROWSER is None:
        report.notes.append("family chromium left out: no Chromium is installed here")
    trials: list[Trial] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        ProcessPoolExecutor(chosen.workers, multiprocessing.get_context("spawn"), _start_worker) as pool,
        Progress(*columns) as progress,
    ):
        listed = list(tasks(chosen))
        bar = progress.add_task("robustness", total=len(listed))
        waiting: dict[Future[Trial], Task] = {pool.submit(attempt, task): task for task in listed}
        for future in as_completed(waiting):
            error = future.exception()  # the worker died: out of memory, or a crash in native code
            lost = Trial(waiting[future], Outcome.ERROR, why=repr(error))
            trials.append(future.result() if error is None else lost)
            progress.advance(bar)
    summarise(
        [trial for trial in trials if trial.task.photograph not in graphics],
        report,
        by_attack=chosen.suite == "frontier",
    )
    drawn = [trial for trial in trials if trial.task.photograph in graphics]
    if drawn:
        summarise_graphics(drawn, report)


def _photographs(chosen: argparse.Namespace, report: Report) -> list[Path]:
    wheel = wheel_paths()
    kept = [] if chosen.images else [wheel[name] for name in (QUICK_PHOTOGRAPHS if chosen.quick else wheel)]
    for path in [path for folder in (chosen.images, chosen.graphics) if folder for path in paths_in(folder)]:
        try:
            with Image.open(path) as picture:
                picture.verify()
            kept.append(path)
        except (OSError, SyntaxError, Image.DecompressionBombError) as error:
            report.notes.append(f"left out, not a picture: {path.name}: {error}")
    return kept


def summarise(trials: Sequence[Trial], report: Report, *, by_attack: bool = False) -> None:
    """Turn trials into rows: overall first, then family (or attack) by family, then the failures as notes."""
    families: dict[str, list[Trial]] = defaultdict(list)
    for trial in trials:
        families[trial.task.attack if by_attack else SUITE[trial.task.attack].family].append(trial)
    report.add("named", *_share(trials), at_least=98, trials=len(trials))
    low, high = wilson(sum(t.outcome is Outcome.RIGHT for t in trials), len(trials))
    report.add("named, 95 % interval from", 100 * low, "%", trials=len(trials))
    report.add("named, 95 % interval to", 100 * high, "%", trials=len(trials))
    counts = {outcome: sum(t.outcome is outcome for t in trials) for outcome in Outcome}
    report.add("others named", counts[Outcome.OTHER], "trials", at_most=0, trials=len(trials))
    report.add("nobody named", counts[Outcome.NOBODY], "trials", trials=len(trials))
    report.add("errors", counts[Outcome.ERROR], "trials", at_most=0, trials=len(trials))
    qualities = {t.task.photograph: t.psnr_db for t in trials if t.psnr_db is not None}
    psnr = float(np.mean(list(qualities.values()))) if qualities else None
    report.add("PSNR of a copy, mean", psnr, "dB", at_least=45, trials=len(qualities))
    times = [t.cpu_s for t in trials if t.cpu_s]
    cpu = float(np.median(times)) if times else None
    report.add("read and accuse, median", cpu, "CPU s", trials=len(trials))
    for family, members in families.items():
        report.add(f"named: {family}", *_share(members), at_least=95, trials=len(members))
    for way, jpeg in (("pixels", False), ("JPEG", True)):
        members = [t for t in trials if t.task.from_jpeg is jpeg]
        report.add(f"named: issued as {way}", *_share(members), trials=len(members))
    for family, members in families.items():
        low, high = wilson(sum(t.outcome is Outcome.RIGHT for t in members), len(members))
        _list_failures(members, report)
        report.notes.append(f"{family}: {100 * low:.1f} to {100 * high:.1f} % named (Wilson, 95 %)")


def summarise_graphics(trials: Sequence[Trial], report: Report) -> None:
    """Add the rows of drawings, pages and screenshots of software."""
    report.add("graphics: named", *_share(trials), at_least=90, trials=len(trials))
    others = sum(trial.outcome is Outcome.OTHER for trial in trials)
    report.add("graphics: others named", others, "trials", at_most=0, trials=len(trials))
    pictures: dict[Path, list[Trial]] = defaultdict(list)
    for trial in trials:
        pictures[trial.task.photograph].append(trial)
    for path, members in pictures.items():
        report.add(f"graphics: named: {path.stem}", *_share(members), trials=len(members))
    _list_failures(trials, report)


def _list_failures(trials: Sequence[Trial], report: Report) -> None:
    for trial in sorted(trials, key=lambda t: (t.task.attack, t.task.photograph)):
        if trial.outcome is not Outcome.RIGHT:
            report.notes.append(_failure(trial))


def _share(trials: Sequence[Trial]) -> tuple[float | None, str]:
    right = sum(trial.outcome is Outcome.RIGHT for trial in trials)
    return (100 * right / len(trials) if trials else None), "%"


def _failure(trial: Trial) -> str:
    score = "" if trial.score is None else f" score {trial.score:.1f}, log10 bound {trial.log10_bound:.1f}"
    return f"  {trial.task.attack} of {trial.task.photograph.name}: {trial.outcome.value}{score} {trial.why}".rstrip()


def options(parser: argparse.ArgumentParser) -> None:
    """Declare this benchmark's own options."""
    parser.add_argument("--images", type=Path, metavar="DIR", help="photographs to use instead of scikit-image's")
    parser.add_argument("--graphics", type=Path, metavar="DIR", help="drawings, pages and screenshots of software too")
    parser.add_argument("--suite", choices=("core", "full", "frontier"), help="attacks; core with --quick, else full")
    families = sorted({attack.family for attack in SUITE.values()})
    parser.add_argument("--families", nargs="+", choices=families, metavar="FAMILY", help="only these")
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    parser.add_argument("--copies", type=int, default=10_000, help="serials that stand accused")
    parser.add_argument("--scored", type=int, help="of them; the others are paid for in the bound; default: all")
    parser.add_argument("--max-megapixels", type=float, default=45.0, help="shrink larger photographs to this")
    parser.add_argument("--seed", type=int, default=11)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    return run("robustness", measure, argv, options, __doc__)


if __name__ == "__main__":
    sys.exit(main())
