"""Can anyone see the mark? `python -m benchmarks.visibility [--sheet FILE]`.

What is judged is the file a recipient gets, decoded, against the original encoded at the same settings: the codec's
own damage is on both sides. The judges are PSNR and SSIM (of luma), the library's own vision model, and, where the
extra `telltale[bench]` is installed, ColorVideoVDP for a full-HD screen at desktop distance, which the library's
model only imitates (10 = identical). Its worst tile is sought among those the library's model likes least.

A number never saw a sky. `--sheet` shows the smoothest and the worst tile of every picture at four times its contrast.

References
----------
R. Mantiuk et al., "ColorVideoVDP", ACM Trans. Graph. 43(4), 2024, doi:10.1145/3658144.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from rich.progress import track
from skimage.metrics import structural_similarity

import watermark
from benchmarks import contact_sheet, testcards
from benchmarks.contact_sheet import Tile
from benchmarks.photographs import Rgb, at_megapixels, from_wheel, open_rgb, paths_in
from benchmarks.report import Report, run
from benchmarks.robustness import psnr_db
from watermark import jpeg
from watermark.visibility import difference, jod

LEAST_JOD, LEAST_TILE_JOD = 9.91, 9.85
TILES_JUDGED = 6
QUICK = {"coffee", "rocket"}
Judge = Callable[[Rgb, Rgb], float]


@dataclass(frozen=True, slots=True)
class Figures:
    """How one copy differs from its original.

    Attributes
    ----------
    psnr_db, ssim : of the delivered file.
    own, own_tile : the library's model, whole picture and worst tile.
    vdp, vdp_tile : ColorVideoVDP, the same; None without the extra.
    """

    psnr_db: float
    ssim: float
    own: float
    own_tile: float
    vdp: float | None
    vdp_tile: float | None


def own_judge(original: Rgb, copy: Rgb) -> float:
    """Score a copy with the library's model of vision, in JOD."""
    return jod(difference(np.ascontiguousarray(original), np.ascontiguousarray(copy)))


def color_video_vdp() -> Judge | None:
    """Return the reference model on one thread, or None where the extra is not installed. Downloads nothing."""
    try:
        import pycvvdp
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    metric = pycvvdp.cvvdp(display_name="standard_fhd", device=torch.device("cpu"))

    def judge(original: Rgb, copy: Rgb) -> float:
        with torch.no_grad():
            score, _ = metric.predict(copy, original, dim_order="HWC")
        return float(score)

    return judge


def deliver(original: Rgb, name: str) -> tuple[Rgb, Rgb]:
    """Return the original and one copy of it as files of the same settings show them."""
    master = watermark.prepare(original, key=hashlib.sha256(name.encode()).digest())
    files = (jpeg.encode(original, None, master.design.run), watermark.issue_jpeg(master, serial=1))
    with Image.open(io.BytesIO(files[0])) as plain, Image.open(io.BytesIO(files[1])) as copy:
        return np.asarray(plain), np.asarray(copy)


def judge(original: Rgb, copy: Rgb, vdp: Judge | None) -> tuple[Figures, list[Tile]]:
    """Measure one copy; the tiles come worst first."""
    tiles = sorted(contact_sheet.tiles(original.shape), key=lambda t: own_judge(original[t], copy[t]))
    grey = [cv2.cvtColor(x, cv2.COLOR_RGB2GRAY).astype(np.float32) for x in (original, copy)]
    return Figures(
        psnr_db(original, copy),
        float(structural_similarity(*grey, data_range=255)),
        own_judge(original, copy),
        own_judge(original[tiles[0]], copy[tiles[0]]),
        vdp(original, copy) if vdp else None,
        min(vdp(original[t], copy[t]) for t in tiles[:TILES_JUDGED]) if vdp else None,
    ), tiles


def pictures(chosen: argparse.Namespace) -> Iterator[tuple[str, str, Callable[[], Rgb]]]:
    """List kind, name and how to get each picture; the caller's own are photographs and graphics in one."""
    if chosen.images is not None:
        yield from (("pictures", path.name, partial(open_rgb, path)) for path in paths_in(chosen.images))
    else:
        wheel = from_wheel()
        yield from (("photographs", n, partial(wheel.__getitem__, n)) for n in wheel if n in QUICK or not chosen.quick)
    yield from (("graphics", name, draw) for name, draw in testcards.GRAPHICS.items())
    yield from (("flat", name, draw) for name, draw in testcards.FLAT.items())


def measure(chosen: argparse.Namespace, report: Report) -> None:
    """Judge one copy of every picture."""
    cv2.setNumThreads(1)
    vdp = color_video_vdp()
    if vdp is None:
        report.notes.append("ColorVideoVDP left out: it comes with pip install 'telltale[bench]'")
    found: dict[str, list[Figures]] = defaultdict(list)
    strips: list[Rgb] = []
    for kind, name, load in track(list(pictures(chosen)), "visibility"):
        rgb = load()
        if rgb.shape[0] * rgb.shape[1] > chosen.max_megapixels * 1e6:
            rgb = at_megapixels(rgb, chosen.max_megapixels)
        original, copy = deliver(rgb, name)
        figures, tiles = judge(original, copy, vdp)
        found[kind].append(figures)
        seen = "" if figures.vdp is None else f"; ColorVideoVDP {figures.vdp:.3f}, worst tile {figures.vdp_tile:.3f}"
        report.notes.append(
            f"{name}, {rgb.shape[1]}×{rgb.shape[0]}: {figures.psnr_db:.1f} dB, SSIM {figures.ssim:.4f}, "
            f"JOD {figures.own:.3f}, worst tile {figures.own_tile:.3f}{seen}"
        )
        if chosen.sheet is not None:
            smooth = contact_sheet.smoothest(original, tiles)
            strips += [contact_sheet.strip(f"{name}: {what}", original[t], copy[t]) for what, t in
                       (("smoothest", smooth), ("worst", tiles[0]))]  # fmt: skip
    summarise(found, report)
    if chosen.sheet is not None:
        Image.fromarray(contact_sheet.stack(strips)).save(chosen.sheet)


def summarise(found: dict[str, list[Figures]], report: Report) -> None:
    """Turn figures into rows, kind by kind."""
    every = [figures for members in found.values() for figures in members]
    for kind, members in {"all": every, **found}.items():
        for name, unit, values in (
            ("PSNR", "dB", [f.psnr_db for f in members]),
            ("SSIM", "", [f.ssim for f in members]),
            ("JOD, library", "", [f.own for f in members]),
            ("JOD of the worst tile, library", "", [f.own_tile for f in members]),
        ):
            report.add(f"{kind}: {name}, mean", float(np.mean(values)), unit, trials=len(values))
            report.add(f"{kind}: {name}, least", min(values), unit, trials=len(values))
        whole = [f.vdp for f in members if f.vdp is not None]
        tiles = [f.vdp_tile for f in members if f.vdp_tile is not None]
        if whole:
            report.add(f"{kind}: ColorVideoVDP, mean", float(np.mean(whole)), "JOD", trials=len(whole))
            report.add(f"{kind}: ColorVideoVDP, least", min(whole), "JOD", at_least=LEAST_JOD, trials=len(whole))
            worst = f"{kind}: ColorVideoVDP of the worst tile"
            report.add(worst, min(tiles), "JOD", at_least=LEAST_TILE_JOD, trials=len(tiles))


def options(parser: argparse.ArgumentParser) -> None:
    """Declare this benchmark's own options."""
    parser.add_argument("--images", type=Path, metavar="DIR", help="pictures to use instead of scikit-image's")
    parser.add_argument("--max-megapixels", type=float, default=12.0, help="shrink larger pictures to this")
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="write tiles at four times their contrast here")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    return run("visibility", measure, argv, options, __doc__)


if __name__ == "__main__":
    sys.exit(main())
