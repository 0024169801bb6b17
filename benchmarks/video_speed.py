"""What a video costs: `python -m benchmarks.video_speed [--videos DIR]`.

CPU seconds and ratios within this run. A copy is compared with a plain copy of the same file, the sizes with one
unmarked encode of the same frames at the same rate factor, preset and groups of pictures, in one slice per frame.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2

from benchmarks.clips import clips
from benchmarks.report import Report, run
from benchmarks.speed import cpu_s
from watermark.video import (
    Copy,
    Folder,
    Master,
    Movie,
    Plan,
    encoding,
    join,
    plan,
    prepare_segment,
    preparing,
    streaming,
    twins,
)

KEY = bytes(range(32))
CORES = 2


def unmarked_bytes(whole: Plan, segments: range) -> int:
    """Bytes of one encode of the same groups without mark, one slice per frame."""
    base, signal = whole.source.time_base, whole.signal
    groups = (group for segment in segments for group in preparing.seconds(whole, segment))
    return sum(twins.length(encoding.encode(group, whole.design, base, signal)) for group in groups)


def write(copy: Copy, target: Path) -> None:
    """Issue a copy into a file."""
    with target.open("wb") as file:
        for piece in copy.read():
            file.write(piece)


def measure_one(source: Path, report: Report, trials: int) -> None:
    """Prepare one clip and issue copies of it."""
    name = source.stem
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(CORES) as workers:
        store, target = Folder(Path(folder, "store")), Path(folder, "copy.mp4")
        whole = plan(source, key=KEY)
        spent = time.process_time()
        for segment in range(whole.segments):
            prepare_segment(whole, store, segment, workers=workers)
        spent = time.process_time() - spent
        master: Master = join(whole, store)
        frames = sum(part.pictures for part in master.parts)
        minutes = sum(streaming.durations_s(Movie(master))) / 60
        pixels = whole.design.height * whole.design.width
        report.notes.append(
            f"{name}: {whole.design.width}×{whole.design.height}, {frames} frames, {whole.design.slices} slices, "
            f"level {whole.design.level / 10:g}, arcsine share {whole.design.arcsine_share:.2f}"
        )
        rate = CORES * frames / spent * pixels / (1920 * 1080)
        report.add(f"{name}: ingest, as 1080p on {CORES} cores", rate, "frames/s", at_least=8.0, trials=frames)
        movie = Movie(master)
        write(Copy(movie, 0), target)
        issued = cpu_s(lambda: write(Copy(movie, 1), target), trials)
        copied = cpu_s(lambda: shutil.copyfile(target, Path(folder, "plain.mp4")), trials)
        report.add(f"{name}: issue one more copy", issued / minutes, "CPU s per minute", at_most=0.1, trials=trials)
        report.add(f"{name}: issue / copying the file", issued / max(copied, 1e-9), "", at_most=4.0, trials=trials)
        plain = unmarked_bytes(whole, range(whole.segments))
        pictures = int(Copy(movie, 1).sizes.sum())
        stored = sum(f.stat().st_size for kind in ("segments", "sizes") for f in (store.root / kind).iterdir())
        report.add(f"{name}: delivered / one unmarked encode", pictures / plain, "", at_most=1.20, trials=frames)
        report.add(f"{name}: stored / one unmarked encode", stored / plain, "", at_most=2.5, trials=frames)
        padding = streaming.padding_share(master.sizes(0))
        report.add(f"{name}: what equal slice lengths would add", 100 * padding, "%", trials=1)


def measure(chosen: argparse.Namespace, report: Report) -> None:
    """Measure every clip."""
    cv2.setNumThreads(1)
    with clips(chosen.videos, quick=chosen.quick) as sources:
        for source in sources:
            measure_one(source, report, 5 if chosen.quick else 20)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report.add("peak memory of all of it", peak, "MB", trials=1)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare this benchmark's own options."""
    parser.add_argument("--videos", type=Path, metavar="DIR", help="clips of your own")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    return run("video_speed", measure, argv, options, __doc__)


if __name__ == "__main__":
    sys.exit(main())
