"""Is an attacked picture found among ten thousand, and nothing else? `python -m benchmarks.lookup`.

Assets are real photographs; the rest of the index, and the unrelated pictures, are what `benchmarks.strangers` makes of
other photographs (`--others DIR`, by default those of the scikit-image wheel). The first half of these by name fills
the index, the second half makes the questions, so that a stranger's question is answered wrongly if at all; `--askers
DIR` makes them of others. No picture of one may show what a picture of the other shows, as screens of one program do.

The answer is the service's: what tier 2 verified, then what tier 1 is sure of. An asset is found when it is named and
no stranger is named first: a poster made of another asset's photograph shows both, and a reading is tried against all
that are named. Of colourways, and for strangers, the first one named counts. Tier 2's share is a row of its own.
Homographies are judged in px of the leak, brought to at most 1,280 px on the long side. The whole takes an hour and
more; `--rows` measures a part, and the parts together are the whole.
"""

from __future__ import annotations

import argparse
import sys
import time
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path

import cv2
import numpy as np

from benchmarks import strangers
from benchmarks.attacks import SUITE, Attacked
from benchmarks.attacks.chromium import BROWSER
from benchmarks.crowd import Crowd, Folder, fill, opened
from benchmarks.photographs import Rgb, from_wheel, paths_in
from benchmarks.report import Report, run, wilson
from watermark import landmarks

FIGURES: dict[str, tuple[float, tuple[str, ...]]] = {
    "crop to 25 %": (0.98, ("crop_25",)),
    "crop to 10 %": (0.92, ("crop_10",)),
    "page at 80 %": (0.95, ("webpage_80",)),
    "page at 45 %": (0.95, ("webpage_45", "webpage_dark_45")),
    "page at 25 %": (0.95, ("webpage_25", "webpage_dark_25")),
    "Chromium, scale 1": (0.95, tuple(name for name in SUITE if name.startswith("chromium") and name.endswith("_1x"))),
    "Chromium, scale 2": (0.95, tuple(name for name in SUITE if name.startswith("chromium") and name.endswith("_2x"))),
    "phone screenshot": (0.95, ("screenshot_phone", "screenshot_phone_dark", "screenshot_chat")),
    "collage": (0.95, ("collage_2x2", "collage_3x1", "collage_3x3")),
    "caption": (0.95, ("meme", "subtitle", "text_over")),
    "letterbox": (0.95, ("letterbox",)),
    "screen photo": (0.95, ("screencam_mild", "screencam_hard", "screencam_tilt_30")),
    "print-scan": (0.95, ("print_scan", "print_scan_coarse", "print_scan_grey")),
    "rotation": (0.95, ("rotate_5", "rotate_15", "rotate_45", "rotate_90")),
    "mirror": (0.95, ("flip_h", "flip_v", "transpose")),
}
"""What is promised: the least share found, and over which attacks."""

STRANGERS, COLOURWAYS = "false matches, unrelated", "right colourway named"
ROWS = (*FIGURES, STRANGERS, COLOURWAYS)
COLOUR_ATTACKS = ("jpeg_q30", "filter_warm", "crop_50", "webpage_45", "screenshot_phone")
QUICK_ASSETS, QUICK_INDEX, QUICK_STRANGERS = 3, 200, 20
LONGEST_PX = 1280
COMPANIONS = 12
QUESTION_SEED = 6


@dataclass
class Question:
    """One answered question."""

    named: list[str]
    seen: landmarks.Candidate | None
    describe_s: float
    search_s: float


def ask(crowd: Crowd, rgb: Rgb, own: str | None = None) -> Question:
    """Ask both tiers, as the service does: what tier 2 verified first, then what tier 1 is sure of."""
    start = time.process_time()
    query = landmarks.query(rgb)
    described = time.process_time()
    found = crowd.search(query)
    done = time.process_time()
    named = [c.asset_id for c in found] + crowd.nearest(rgb)
    seen = next((c for c in found if c.asset_id == own), None)
    return Question(named, seen, described - start, done - described)


def miss_px(seen: landmarks.Candidate, attacked: Attacked) -> float | None:
    """Median distance between true and found place, over the asset's pixels that the leak shows."""
    if attacked.homography is None:
        return None
    height, width = seen.shape
    grid = np.stack(np.meshgrid(np.linspace(0, width - 1, 17), np.linspace(0, height - 1, 17)), -1).reshape(-1, 1, 2)
    true = cv2.perspectiveTransform(grid, attacked.homography)[:, 0]
    got = cv2.perspectiveTransform(grid, np.linalg.inv(seen.homography))[:, 0]
    h, w = attacked.rgb.shape[:2]
    shown = (true >= 0).all(axis=1) & (true[:, 0] < w) & (true[:, 1] < h)
    if not shown.any():
        return None
    return float(np.median(np.hypot(*(true - got)[shown].T))) * min(1.0, LONGEST_PX / max(h, w))


def measure(chosen: argparse.Namespace, report: Report) -> None:
    """Fill the index, ask, and sum up."""
    cv2.setNumThreads(1)
    rows = [row for row in ROWS if any(part in row for part in chosen.rows or ROWS)]
    assets = dict(_assets(chosen))
    indexed, asking = _others(chosen, set(assets))
    if {*rows} - {COLOURWAYS}:
        crowd = Crowd()
        sizes = [crowd.add(name, rgb) for name, rgb in assets.items()]
        fill(crowd, indexed, chosen.index, chosen.described)
        ask(crowd, next(iter(assets.values())))  # compile
        report.notes.append(
            f"{len(assets)} assets among {len(crowd.tier_2):,}; {len(indexed)} photographs fill the index, "
            f"{len(asking)} others ask; {min(chosen.described, chosen.index):,} strangers described, the rest shuffled "
            "copies of them"
        )
        if any(row in FIGURES for row in rows):
            _attacked(crowd, assets, asking, rows, chosen, report)
        if STRANGERS in rows:
            _unrelated(crowd, asking, chosen, report)
        index_bytes, detail_bytes = (max(kind) for kind in zip(*sizes, strict=True))
        report.add("bytes an asset in the index, most", index_bytes, "bytes", at_most=25_000, trials=len(assets))
        report.add("bytes an asset beside it, on disk, most", detail_bytes, "bytes", trials=len(assets))
    if COLOURWAYS in rows:
        _colourways(assets, chosen, report)


def _assets(chosen: argparse.Namespace) -> Iterator[tuple[str, Rgb]]:
    if chosen.images is None:
        yield from islice(from_wheel().items(), QUICK_ASSETS)
        return
    paths = paths_in(chosen.images)
    for path in paths[:: max(1, len(paths) // QUICK_ASSETS)][:QUICK_ASSETS] if chosen.quick else paths:
        yield path.stem, opened(path)


def _others(chosen: argparse.Namespace, assets: set[str]) -> tuple[Sequence[Rgb], Sequence[Rgb]]:
    """Photographs that fill the index and photographs that ask; the wheel's less those that are assets."""
    if chosen.others is not None:
        first, second = Folder(paths_in(chosen.others)).halves()
        if chosen.askers is not None:
            first, second = Folder(first.paths + second.paths), Folder(paths_in(chosen.askers))
        return Folder(first.paths[: chosen.described]), second
    wheel = [rgb for name, rgb in from_wheel().items() if name not in assets]
    return wheel[: len(wheel) // 2], wheel[len(wheel) // 2 :]


def _attacked(
    crowd: Crowd,
    assets: dict[str, Rgb],
    others: Sequence[Rgb],
    rows: list[str],
    chosen: argparse.Namespace,
    out: Report,
) -> None:
    errors, search, describe = [], [], []
    tier_2 = questions = 0
    companions = [others[place] for place in range(min(COMPANIONS, len(others)))]
    for figure in (row for row in rows if row in FIGURES):
        target, attacks = FIGURES[figure]
        if not attacks and BROWSER is None:
            out.notes.append(f"{figure}: no Chromium is installed here")
            continue
        missed: dict[str, list[str]] = defaultdict(list)
        trials = 0
        for asset, rgb in assets.items():  # all attacks on one asset together: a browser renders it once
            for name, turn in product(attacks[: chosen.attacks], range(chosen.repeats)):
                seed = [chosen.seed, zlib.crc32(asset.encode()), zlib.crc32(name.encode()), *([turn] if turn else [])]
                attacked = SUITE[name].apply(rgb, np.random.default_rng(seed), companions=companions)
                answer = ask(crowd, attacked.rgb, asset)
                trials += 1
                tier_2 += answer.seen is not None
                search.append(answer.search_s)
                describe.append(answer.describe_s)
                if asset not in answer.named or answer.named[0] not in assets:
                    missed[name].append(f"{asset} (for {answer.named[0]})" if answer.named else asset)
                if answer.seen is not None and (error := miss_px(answer.seen, attacked)) is not None:
                    errors.append(error)
        questions += trials
        out.add(f"found: {figure}", 1 - sum(map(len, missed.values())) / trials, "", at_least=target, trials=trials)
        out.notes += [f"  {figure}, {name}: missed {', '.join(found)}" for name, found in missed.items()]
        out.save(chosen.json)
    if not questions:
        return
    out.add("found by tier 2 alone", tier_2 / questions, "", trials=questions)
    out.add("homography error, median", float(np.median(errors)), "px", at_most=0.7, trials=len(errors))
    out.add("tier 2 search, median", 1e3 * float(np.median(search)), "CPU ms", at_most=300, trials=questions)
    out.add("tier 2 search, mean", 1e3 * float(np.mean(search)), "CPU ms", trials=questions)
    out.add("tier 2 describing, median", 1e3 * float(np.median(describe)), "CPU ms", trials=questions)


def _unrelated(crowd: Crowd, photographs: Sequence[Rgb], chosen: argparse.Namespace, out: Report) -> None:
    wrong = 0
    for number in range(chosen.strangers):
        answer = ask(crowd, strangers.stranger(number, photographs, QUESTION_SEED))
        if answer.named:
            wrong += 1
            out.notes.append(f"  stranger {number} was taken for {answer.named[0]}")
    out.add(STRANGERS, wrong / chosen.strangers, "", at_most=1e-3, trials=chosen.strangers)
    most = wilson(wrong, chosen.strangers)[1]
    out.notes.append(f"  false matches: {wrong} of {chosen.strangers:,}, with 95 % confidence at most {most:.2g}")


def _colourways(assets: dict[str, Rgb], chosen: argparse.Namespace, out: Report) -> None:
    """Give every colourful asset three siblings with the hue of one part turned, and ask for each of the four."""
    right = trials = 0
    for asset, rgb in assets.items():
        family = strangers.recoloured(rgb, np.random.default_rng(zlib.crc32(asset.encode())))
        crowd = Crowd()
        for sibling, picture in family.items():
            crowd.add(sibling, picture)
        for name in COLOUR_ATTACKS[:2] if chosen.quick else COLOUR_ATTACKS:
            for sibling, picture in family.items():
                attacked = SUITE[name].apply(picture, np.random.default_rng(12))
                trials += 1
                right += ask(crowd, attacked.rgb).named[:1] == [sibling]
    out.add(COLOURWAYS, right / trials if trials else None, "", at_least=0.95, trials=trials)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare this benchmark's own options."""
    parser.add_argument("--images", type=Path, metavar="DIR", help="photographs that are the assets")
    parser.add_argument("--others", type=Path, metavar="DIR", help="photographs that strangers are made of")
    parser.add_argument("--askers", type=Path, metavar="DIR", help="photographs that strangers' questions are made of")
    parser.add_argument("--index", type=int, default=10_000, help="strangers in the index")
    parser.add_argument("--described", type=int, default=400, help="of these, pictures; the rest are shuffled codes")
    parser.add_argument("--strangers", type=int, default=3_000, help="unrelated pictures to ask for")
    parser.add_argument("--attacks", type=int, metavar="N", help="at most so many attacks a row; all by default")
    parser.add_argument("--repeats", type=int, default=1, metavar="N", help="how often an attack is drawn anew")
    parser.add_argument("--seed", type=int, default=11, help="of the attacks' draws")
    names = ", ".join(ROWS).replace("%", "%%")
    parser.add_argument("--rows", nargs="+", metavar="NAME", help=f"measure only these: parts of {names}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""

    def sized(chosen: argparse.Namespace, report: Report) -> None:
        if chosen.quick:
            chosen.attacks = 1
            chosen.index, chosen.strangers = min(chosen.index, QUICK_INDEX), min(chosen.strangers, QUICK_STRANGERS)
            chosen.described = min(chosen.described, QUICK_STRANGERS)
        measure(chosen, report)

    return run("lookup", sized, argv, options, __doc__)


if __name__ == "__main__":
    sys.exit(main())
