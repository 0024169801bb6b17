"""Does the certificate foretell what happens? `python -m benchmarks.preflight`.

Each picture is certified, then another of its copies is put through attacks that the certificate does not use. The
predicted score of a picture is the mean over its rungs, the actual one the mean over the held-out attacks; likewise
within kinds of damage. Correlations are over pictures.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

import watermark
from benchmarks.attacks import SUITE
from benchmarks.photographs import open_rgb, paths_in, wheel_paths
from benchmarks.report import Report, run
from watermark.preflight import certify

KINDS = {
    "compression": (
        ("JPEG quality 50", "JPEG quality 30", "JPEG quality 15"),
        ("webp_q30", "avif_q40", "jpeg_double", "social_chain3"),
    ),
    "scaling": (("640 px wide", "320 px wide", "160 px wide"), ("px_240", "resize_25_back", "webpage_45")),
    "cropping": (("crop to a quarter", "crop to a tenth"), ("crop_50", "crop_5", "crop_25_px_320")),
    "blur": (("out of focus",), ("blur_2", "median_5", "motion_9")),
    "noise": (("grainy",), ("noise_30", "speckle_20")),
    "capture": (
        ("posted twice", "320 px wide", "JPEG quality 30"),
        ("screencam_mild", "screencam_hard", "print_scan", "screenshot_phone"),
    ),
}
SERIAL = 12


def score(master: watermark.Master, attack: str, seed: int) -> float:
    """Score of the leaked copy after an attack, 0 where it could not be read."""
    copy = watermark.issue(master, serial=SERIAL)
    leak = SUITE[attack].apply(copy, np.random.default_rng(seed)).rgb
    ranked = watermark.accuse(master, watermark.read(master, leak), serials=[SERIAL]).ranked
    return ranked[0].score if ranked else 0.0


def measure(chosen: argparse.Namespace, report: Report) -> None:
    """Certify, attack, and correlate over pictures."""
    cv2.setNumThreads(1)
    paths = list(wheel_paths().values()) if chosen.images is None else paths_in(chosen.images)
    paths = paths[: 4 if chosen.quick else None]
    kinds = dict(list(KINDS.items())[: 2 if chosen.quick else None])
    predicted: dict[str, list[float]] = {kind: [] for kind in kinds}
    actual: dict[str, list[float]] = {kind: [] for kind in kinds}
    for path in track(paths, "preflight"):
        rgb = open_rgb(path)
        if max(rgb.shape) > chosen.side:
            factor = chosen.side / max(rgb.shape)
            rgb = cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        master = watermark.prepare(rgb, key=hashlib.sha256(path.name.encode()).digest())
        rungs = {rung.name: rung.score for rung in certify(master).rungs}
        for kind, (names, attacks) in kinds.items():
            predicted[kind].append(float(np.mean([rungs[name] for name in names])))
            actual[kind].append(float(np.mean([score(master, attack, i) for i, attack in enumerate(attacks)])))
    for kind in kinds:
        report.add(f"correlation, {kind}", correlation(predicted[kind], actual[kind]), "", trials=len(paths))
    overall = [float(np.mean(column)) for column in zip(*predicted.values(), strict=True)]
    seen = [float(np.mean(column)) for column in zip(*actual.values(), strict=True)]
    report.add("correlation, all kinds", correlation(overall, seen), "", at_least=0.8, trials=len(paths))


def correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Pearson correlation of the logarithms; None with fewer than three pictures."""
    if len(a) < 3:
        return None
    return float(np.corrcoef(np.log(np.maximum(a, 1)), np.log(np.maximum(b, 1)))[0, 1])


def options(parser: argparse.ArgumentParser) -> None:
    """Declare this benchmark's own options."""
    parser.add_argument("--images", type=Path, metavar="DIR", help="photographs to use instead of scikit-image's")
    parser.add_argument("--side", type=int, default=2048, help="shrink larger ones to this long side, px")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    return run("preflight", measure, argv, options, __doc__)


if __name__ == "__main__":
    sys.exit(main())
