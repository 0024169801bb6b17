"""What a copy, a reading and an accusation cost: `python -m benchmarks.speed`.

CPU seconds of one core in a process set up as the service's own workers are, and ratios within this run: absolute
times vary between machines. The picture is a real photograph enlarged to 12 megapixels with grain of its own, so that
its JPEG is as heavy as a camera's.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

import watermark
from benchmarks.photographs import Rgb, at_megapixels, from_wheel, open_rgb
from benchmarks.report import Report, run
from service.jobs.memory import keep_freed_memory

KEY = bytes(range(32))


def cpu_s(work: Callable[[], object], trials: int) -> float:
    """Median CPU seconds of `work`."""
    times = []
    for _ in range(trials):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return float(np.median(times))


def picture(chosen: argparse.Namespace) -> Rgb:
    """The photograph at the wanted number of megapixels."""
    rgb = from_wheel()["astronaut"] if chosen.image is None else open_rgb(chosen.image)
    return at_megapixels(rgb, chosen.megapixels)


def plain_jpeg(rgb: Rgb) -> bytes:
    """The picture encoded as a copy is, without restart markers."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=95, subsampling="4:2:0")
    return buffer.getvalue()


def copy_file_s(data: bytes, trials: int) -> float:
    """Median CPU seconds of copying a file of these bytes."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "source")
        source.write_bytes(data)
        return cpu_s(lambda: shutil.copyfile(source, Path(folder, "target")), trials)


def measure(chosen: argparse.Namespace, report: Report) -> None:
    """Time each step of the pipeline once it is warm."""
    cv2.setNumThreads(1)
    keep_freed_memory()
    trials = 3 if chosen.quick else 5
    rgb = picture(chosen)
    report.notes.append(f"{rgb.shape[1]}×{rgb.shape[0]} px; {os.cpu_count()} cores, one used")
    master = watermark.prepare(rgb, key=KEY)
    report.add("prepare", cpu_s(lambda: watermark.prepare(rgb, key=KEY), trials), "CPU s", at_most=3.0, trials=trials)
    stored = master.to_bytes()
    master = watermark.Master.from_bytes(stored)
    data = watermark.issue_jpeg(master, serial=1)
    issued = cpu_s(lambda: [watermark.issue_jpeg(master, serial=s) for s in range(20)], 5 * trials) / 20
    copied = copy_file_s(data, 20)
    report.add("issue one more JPEG copy", 1000 * issued, "CPU ms", at_most=5.0, trials=100 * trials)
    report.add("issue / copying the file", issued / max(copied, 1e-9), "", at_most=4.0, trials=20)
    report.add("size / one plain encode", len(data) / len(plain_jpeg(rgb)), "", at_most=1.03, trials=1)
    report.add("stored master / plain encode", len(stored) / len(plain_jpeg(rgb)), "", trials=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for serial in range(1000):
        watermark.issue_jpeg(master, serial=serial)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    report.add("memory grown over 1,000 copies", grown, "MB", at_most=200.0, trials=1000)
    leak = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    watermark.read(master, leak)
    reading = watermark.read(master, leak)
    report.add("read a leak", cpu_s(lambda: watermark.read(master, leak), trials), "CPU s", at_most=1.5, trials=trials)
    small = cv2.resize(leak, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    report.add("read a small leak", cpu_s(lambda: watermark.read(master, small), trials), "CPU s", trials=trials)
    for copies, limit in ((10_000, None), (1_000_000, 2.0)):
        spent = cpu_s(lambda n=copies: watermark.accuse(master, reading, serials=range(n)), trials)  # type: ignore[misc]
        report.add(f"accuse among {copies:,}", spent, "CPU s", at_most=limit, trials=trials)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report.add("peak memory of all of it", peak, "MB", at_most=1024.0, trials=1)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare this benchmark's own options."""
    parser.add_argument("--image", type=Path, metavar="FILE", help="a photograph of your own")
    parser.add_argument("--megapixels", type=float, default=12.0)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    return run("speed", measure, argv, options, __doc__)


if __name__ == "__main__":
    sys.exit(main())
