"""Can anyone see a video's mark? `python -m benchmarks.video_visibility [--videos DIR]`.

A copy, decoded, against the unmarked clip encoded at the same settings, which is what the copy shares all but its key
frames with. The judges are PSNR of luma
and, where the extra `telltale[bench]` is installed, ColorVideoVDP for a full-HD screen at desktop distance, on a window
of the first seconds: on a processor it takes seconds per frame.

References
----------
R. Mantiuk et al., "ColorVideoVDP", ACM Trans. Graph. 43(4), 2024, doi:10.1145/3658144.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import clips
from benchmarks.report import Report, run
from watermark.video import Plan, encoding, plan, preparing, twins

KEY = bytes(range(32))
LEAST_JOD, MEAN_JOD = 9.8, 9.9
WINDOW_PX = (352, 640)
Frames = list[NDArray[np.uint8]]
Judge = Callable[[Frames, Frames, float], float]


def color_video_vdp() -> Judge | None:
    """Return the reference model, or None where the extra is not installed. Downloads nothing."""
    try:
        import pycvvdp
        import torch
    except ImportError:
        return None
    metric = pycvvdp.cvvdp(display_name="standard_fhd", device=torch.device("cpu"), quiet=True)

    def judge(original: Frames, copy: Frames, rate: float) -> float:
        a, b = (np.stack([cv2.cvtColor(f, cv2.COLOR_YUV2RGB_I420) for f in x]) for x in (original, copy))
        with torch.no_grad():
            score, _ = metric.predict(b, a, dim_order="FHWC", frames_per_second=rate)
        return float(score)

    return judge


def window(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle of a frame."""
    height, width = planes.shape[0] * 2 // 3, planes.shape[1]
    rows, cols = min(WINDOW_PX[0], height), min(WINDOW_PX[1], width)
    top, left = (height - rows) // 4 * 2, (width - cols) // 4 * 2
    chroma = planes[height:].reshape(2, height // 2, width // 2)
    chroma = chroma[:, top // 2 : (top + rows) // 2, left // 2 : (left + cols) // 2]
    return np.concatenate([planes[top : top + rows, left : left + cols], chroma.reshape(-1, cols)])


def delivered(whole: Plan, count: int) -> tuple[Frames, Frames]:
    """The first frames, unmarked and as one copy shows them, both encoded alike."""
    plain: Frames = []
    copy: Frames = []
    rng = np.random.default_rng(1)
    with ThreadPoolExecutor(2) as workers:
        for _, made in preparing.marked_groups(whole, 0, workers):
            plain += encoding.decode(made.base)
            copy += encoding.decode(twins.mixture(made.plus, made.minus, rng.random(whole.design.slices) < 0.5))
            if len(plain) >= count:
                break
    return plain[:count], copy[:count]


def measure(chosen: argparse.Namespace, report: Report) -> None:
    """Judge one copy of every clip."""
    judge = color_video_vdp()
    if judge is None:
        report.notes.append("ColorVideoVDP left out: it comes with pip install 'telltale[bench]'")
    scores = []
    with clips(chosen.videos, quick=chosen.quick) as sources:
        for source in sources:
            whole = plan(source, key=KEY)
            plain, copy = delivered(whole, 8 if chosen.quick else chosen.frames)
            height = whole.design.height
            errors = [
                np.mean((a[:height].astype(np.float32) - b[:height]) ** 2) for a, b in zip(plain, copy, strict=True)
            ]
            psnr_db = 10 * np.log10(255**2 / max(float(np.mean(errors)), 1e-9))
            report.add(f"{source.stem}: PSNR", psnr_db, "dB", trials=len(plain))
            if judge is not None:
                cut = [window(f) for f in plain], [window(f) for f in copy]
                scores.append(judge(*cut, float(whole.design.rate)))
                report.add(f"{source.stem}: ColorVideoVDP", scores[-1], "JOD", at_least=LEAST_JOD, trials=len(plain))
    if scores:
        report.add("ColorVideoVDP, mean", float(np.mean(scores)), "JOD", at_least=MEAN_JOD, trials=len(scores))


def options(parser: argparse.ArgumentParser) -> None:
    """Declare this benchmark's own options."""
    parser.add_argument("--videos", type=Path, metavar="DIR", help="clips of your own")
    parser.add_argument("--frames", type=int, default=48, help="frames judged of each clip")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    return run("video_visibility", measure, argv, options, __doc__)


if __name__ == "__main__":
    sys.exit(main())
