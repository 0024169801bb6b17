"""Which leaked clips and frames name their copy, and is anybody else ever named?

Each clip is prepared once and one copy issued; the copy is attacked as published clips are, written with a real codec,
read and accused among 100,000 copies. Single frames of the copy are attacked as screenshots are. Three copies of a
montage of 30 s are mixed as colluders would mix them. Serial numbers that were never issued are scored on every
reading: none may be named. Cameras and screens are simulated.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import cv2
import numpy as np

from benchmarks.attacks_video import PROMISED, STILLS, SUITE
from benchmarks.attacks_video.clips import Frame, read_frames, write, x264
from benchmarks.attacks_video.collusion import MIXES
from benchmarks.photographs import from_wheel
from benchmarks.report import Report, run, wilson
from benchmarks.video_trials import MONTAGE_S, Task, Trial, attempt

MOVIES = (".mp4", ".mov", ".mkv", ".webm")
STILL_MOMENTS = (0.21, 0.52, 0.83)
QUICK_NULLS = 20_000


def montage(clips: Sequence[Path], target: Path) -> Path:
    """Some seconds of every clip, 30 s in all, at 1280 × 720 and 25 frames a second, nearly lossless."""
    each_s = MONTAGE_S / len(clips)

    def frames() -> Iterator[Frame]:
        number = 0
        for clip in clips:
            shown = list(range(math.ceil(each_s * 25)))
            for frame in read_frames(clip, 0.0, each_s):
                while shown and shown[0] / 25 <= frame.time_s + 1e-6:
                    shown.pop(0)
                    yield Frame(number / 25, cv2.resize(frame.rgb, (1280, 720), interpolation=cv2.INTER_AREA))
                    number += 1

    if not target.exists():
        write(frames(), target, x264(12))
    return target


def generated(target: Path) -> Path:
    """A clip of two shots, 4 s: a camera that pans over a photograph, and a still life with something moving."""
    shots = [cv2.resize(picture, (1600, 1100)) for picture in list(from_wheel().values())[:2]]

    def frames() -> Iterator[Frame]:
        for n in range(100):
            if n < 50:
                rgb = shots[0][100 + n : 640 + n, 2 * n : 960 + 2 * n].copy()
            else:
                rgb = shots[1][200:740, 200:1160].copy()
                cv2.circle(rgb, (100 + 12 * (n - 50), 270), 60, (200, 180, 40), -1, cv2.LINE_AA)
            yield Frame(n / 25, rgb)

    if not target.exists():
        write(frames(), target, x264(14))
    return target


def tasks(chosen: argparse.Namespace, clips: Sequence[Path]) -> Iterator[Task]:
    """List the trials, clip by clip."""
    names = [n for n, a in SUITE.items() if (a.quick or not chosen.quick) and chosen.only in (None, a.family)]
    if chosen.only == "promised":
        names = list(PROMISED)
    stills = list(STILLS)[: 2 if chosen.quick else None] if chosen.only in (None, "still") else []
    moments = STILL_MOMENTS[: 1 if chosen.quick else None]
    nulls = min(chosen.nulls, QUICK_NULLS) if chosen.quick else chosen.nulls
    for clip in clips:
        for name in names:
            yield Task(clip, chosen.work, "clip", name, 0.0, nulls)
        for name in stills:
            for moment in moments:
                yield Task(clip, chosen.work, "still", name, moment, nulls)
    if not chosen.quick and chosen.only in (None, "collusion"):
        whole = montage(clips, chosen.work / "montage.mp4")
        for mix in MIXES:
            yield Task(whole, chosen.work, "collusion", mix, 0.0, nulls)


def measure(chosen: argparse.Namespace, report: Report) -> None:
    """Run all trials and sum them up."""
    with tempfile.TemporaryDirectory() as folder:
        chosen.work = chosen.work or Path(folder)
        chosen.work.mkdir(parents=True, exist_ok=True)
        if chosen.videos and not chosen.quick:
            clips = sorted(p for p in chosen.videos.iterdir() if p.suffix.lower() in MOVIES)
            clips = [p for p in clips if chosen.clips is None or any(part in p.name for part in chosen.clips)]
        else:
            clips = [generated(chosen.work / "generated.mp4")]
            report.notes.append("a generated clip stands in for real ones: give --videos DIR")
        by_clip: dict[Path, list[Task]] = defaultdict(list)
        for task in tasks(chosen, clips):
            by_clip[task.clip].append(task)
        context = multiprocessing.get_context("spawn")
        trials: list[Trial] = []
        with ProcessPoolExecutor(chosen.workers, context) as pool:
            waiting = [pool.submit(run_all, some) for some in by_clip.values()]
            for done in as_completed(waiting):
                trials += done.result()
        summarise(trials, report)


def run_all(some: list[Task]) -> list[Trial]:
    """Trials of one clip, one after the other, since they share what was prepared."""
    out = []
    for task in some:
        out.append(attempt(task))
        print(line_of(out[-1]), flush=True)
    return out


def line_of(trial: Trial) -> str:
    """One trial in a line."""
    outcome = "OTHERS" if trial.others else "named" if trial.named else "nobody"
    first = "1st" if trial.first else "   "
    return (
        f"{trial.task.clip.stem[:16]:16} {trial.task.kind:9} {trial.task.attack:32} {outcome:6} "
        f"{trial.log10_bound:7.1f} {first} {trial.groups} GOP {trial.cpu_s:5.1f} s {trial.why}"
    )


def summarise(trials: Sequence[Trial], report: Report) -> None:
    """One row per promise, then one per attack, then what failed."""
    clips = [t for t in trials if t.task.kind == "clip"]
    stills = [t for t in trials if t.task.kind == "still"]
    mixes = [t for t in trials if t.task.kind == "collusion"]
    promised = [t for t in clips if t.task.attack in PROMISED]
    filmed = [t for t in clips if SUITE[t.task.attack].family == "camcorder"]
    hard = [t for t in stills if t.task.attack == "frame as JPEG 75 at half size"]
    if promised:
        report.add("5-s clips, promised attacks: named among 100,000", share(promised), "%", at_least=98,
                   trials=len(promised))  # fmt: skip
        low, high = wilson(sum(t.named for t in promised), len(promised))
        report.notes.append(f"promised attacks: {100 * low:.1f} to {100 * high:.1f} % (Wilson, 95 %)")
    if clips:
        report.add("clips, all attacks: named among 100,000", share(clips), "%", trials=len(clips))
        cpu = float(np.median([t.cpu_s for t in clips]))
        report.add("read and accuse a clip, median", cpu, "CPU s", at_most=8, trials=len(clips))
        report.add("read and accuse a clip, longest", max(t.cpu_s for t in clips), "CPU s", trials=len(clips))
    if filmed:
        report.add("simulated camcorder, 10 s: named", share(filmed), "%", at_least=95, trials=len(filmed))
    if hard:
        report.add("a frame, JPEG 75 at half size: named among 1,000", share(hard), "%", at_least=90, trials=len(hard))
        first = 100 * sum(t.first for t in hard) / len(hard)
        report.add("a frame, JPEG 75 at half size: first of 100,000", first, "%", at_least=99, trials=len(hard))
    if stills:
        report.add("frames, all attacks: named among 1,000", share(stills), "%", trials=len(stills))
    if mixes:
        report.add("3 colluders, 30 s: at least one named", share(mixes), "%", at_least=100, trials=len(mixes))
    report.add("anybody else named", sum(t.others for t in trials), "copies", at_most=0, trials=len(trials))
    nulls = sum(t.nulls for t in trials)
    report.add("never-issued serials named", sum(t.null_named for t in trials), "copies", at_most=0, trials=nulls)
    groups: dict[str, list[Trial]] = defaultdict(list)
    for trial in trials:
        groups[f"{trial.task.kind}: {trial.task.attack}"].append(trial)
    for name, members in groups.items():
        report.add(name, share(members), "%", trials=len(members))
    report.notes += [line_of(t) for t in trials if not t.named or t.others]


def share(trials: Sequence[Trial]) -> float:
    """Per cent named, and nobody else with them."""
    return 100 * sum(t.named and not t.others for t in trials) / len(trials)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare this benchmark's own options."""
    parser.add_argument("--videos", type=Path, metavar="DIR", help="clips to use; a generated one without")
    parser.add_argument("--clips", nargs="+", metavar="PART", help="only files whose names hold one of these")
    parser.add_argument("--only", metavar="FAMILY", help="one family of attacks, 'promised', 'still' or 'collusion'")
    parser.add_argument("--work", type=Path, metavar="DIR", help="keep prepared clips here for the next run")
    parser.add_argument("--workers", type=int, default=1, help="clips at a time")
    parser.add_argument("--nulls", type=int, default=1_000_000, help="never-issued serials scored on every reading")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    return run("video_robustness", measure, argv, options, __doc__)


if __name__ == "__main__":
    sys.exit(main())
