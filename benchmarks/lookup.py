"""Is an attacked picture found among ten thousand, and nothing else? `python -m benchmarks.lookup`.

Assets are real photographs; the rest of the index, and the unrelated pictures, are what `benchmarks.strangers` composes
of other photographs (`--others DIR`, by default those of the scikit-image wheel). One half of these photographs fills
the index, the other half makes the questions, so that a stranger's question is answered wrongly if at all. All but
`--described` of the strangers in the index are shuffled copies: real codes with some bits changed and places exchanged.

The answer is the service's: tier 1 within its confident radius or tier 2, and the first asset it names. Tier 2's share
is a row of its own. Homographies are judged in px of the leak, brought to at most 1,280 px on the long side.
"""

from __future__ import annotations

import argparse
import sys
import time
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from benchmarks.attacks import SUITE, Attacked
from benchmarks.attacks.chromium import BROWSER
from benchmarks.photographs import Rgb, at_megapixels, from_wheel, open_rgb, paths_in
from benchmarks.report import Report, run
from benchmarks.strangers import recoloured, shuffled, strangers
from watermark import fingerprint, landmarks

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

COLOUR_ATTACKS = ("jpeg_q30", "filter_warm", "crop_50", "webpage_45", "screenshot_phone")
QUICK_ASSETS, QUICK_INDEX, QUICK_STRANGERS = 3, 200, 20
LONGEST_PX = 1280


@dataclass
class Index:
    """Both tiers, as the service combines them."""

    tier_2: landmarks.LandmarkIndex = field(default_factory=landmarks.LandmarkIndex)
    pdq: dict[str, fingerprint.Codes] = field(default_factory=dict)

    def add(self, name: str, rgb: Rgb) -> int:
        """Take in a picture; the bytes of its landmarks."""
        described = landmarks.describe(rgb)
        self.tier_2.add(name, described)
        codes, quality = fingerprint.pdq(rgb)
        if quality >= fingerprint.MIN_QUALITY:
            self.pdq[name] = codes
        return len(described.to_bytes())

    def tier_1(self, rgb: Rgb) -> list[str]:
        """Pictures within the confident radius, nearest first."""
        codes, quality = fingerprint.pdq(rgb)
        if quality < fingerprint.MIN_QUALITY or not self.pdq:
            return []
        bits = fingerprint.hamming(np.stack(list(self.pdq.values())), codes[0]).min(axis=1)
        return [list(self.pdq)[i] for i in np.argsort(bits, kind="stable") if bits[i] <= fingerprint.CONFIDENT_RADIUS]


@dataclass
class Question:
    """One answered question."""

    first: str | None
    seen: landmarks.Candidate | None
    describe_s: float
    search_s: float


def ask(index: Index, rgb: Rgb, own: str | None = None) -> Question:
    """Ask both tiers, as the service does: what tier 2 verified first, then what tier 1 is sure of."""
    start = time.process_time()
    query = landmarks.query(rgb)
    described = time.process_time()
    found = index.tier_2.search(query)
    done = time.process_time()
    named = [c.asset_id for c in found] + index.tier_1(rgb)
    seen = next((c for c in found if c.asset_id == own), None)
    return Question(named[0] if named else None, seen, described - start, done - described)


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
    assets = dict(_assets(chosen))
    others = [open_rgb(p) for p in paths_in(chosen.others)] if chosen.others else list(from_wheel().values())
    others = [at_megapixels(rgb, 2.0) if rgb.shape[0] * rgb.shape[1] > 2e6 else rgb for rgb in others]
    if chosen.others is None and chosen.images is None:
        others = [rgb for name, rgb in from_wheel().items() if name not in assets]
    index = Index()
    heaviest = max(index.add(name, rgb) for name, rgb in assets.items())
    _fill(index, others[::2], chosen)
    ask(index, next(iter(assets.values())))  # compile
    report.notes.append(
        f"{len(assets)} assets among {len(index.tier_2):,}; {len(others)} other photographs; "
        f"{min(chosen.described, chosen.index):,} strangers described, the rest shuffled copies of them"
    )
    _attacked(index, assets, others, chosen, report)
    _unrelated(index, others[1::2], chosen, report)
    _colourways(assets, chosen, report)
    report.add("bytes an asset, most", heaviest, "bytes", at_most=25_000, trials=len(assets))


def _assets(chosen: argparse.Namespace) -> Iterator[tuple[str, Rgb]]:
    if chosen.images is None:
        yield from islice(from_wheel().items(), QUICK_ASSETS)
        return
    paths = paths_in(chosen.images)
    for path in paths[:: max(1, len(paths) // QUICK_ASSETS)][:QUICK_ASSETS] if chosen.quick else paths:
        rgb = open_rgb(path)
        yield path.stem, at_megapixels(rgb, 2.0) if rgb.shape[0] * rgb.shape[1] > 2e6 else rgb


def _fill(index: Index, photographs: Sequence[Rgb], chosen: argparse.Namespace) -> None:
    rng = np.random.default_rng(5)
    pictures = strangers(photographs, rng)
    described = [landmarks.describe(next(pictures)) for _ in range(min(chosen.described, chosen.index))]
    for number in range(chosen.index):
        own = described[number] if number < len(described) else shuffled(described, rng)
        index.tier_2.add(f"stranger {number}", own)


def _attacked(index: Index, assets: dict[str, Rgb], others: list[Rgb], chosen: argparse.Namespace, out: Report) -> None:
    errors, search, describe = [], [], []
    tier_2 = questions = 0
    for figure, (target, attacks) in FIGURES.items():
        if not attacks and BROWSER is None:
            out.notes.append(f"{figure}: no Chromium is installed here")
            continue
        missed: dict[str, list[str]] = defaultdict(list)
        trials = 0
        for name in attacks[:1] if chosen.quick else attacks:
            for asset, rgb in assets.items():
                seed = [11, zlib.crc32(asset.encode()), zlib.crc32(name.encode())]
                attacked = SUITE[name].apply(rgb, np.random.default_rng(seed), companions=others[1::2])
                answer = ask(index, attacked.rgb, asset)
                trials += 1
                tier_2 += answer.seen is not None
                search.append(answer.search_s)
                describe.append(answer.describe_s)
                if answer.first != asset:
                    missed[name].append(asset)
                if answer.seen is not None and (error := miss_px(answer.seen, attacked)) is not None:
                    errors.append(error)
        questions += trials
        out.add(f"found: {figure}", 1 - sum(map(len, missed.values())) / trials, "", at_least=target, trials=trials)
        out.notes += [f"  {figure}, {name}: missed {', '.join(found)}" for name, found in missed.items()]
    out.add("found by tier 2 alone", tier_2 / questions, "", trials=questions)
    out.add("homography error, median", float(np.median(errors)), "px", at_most=0.7, trials=len(errors))
    out.add("tier 2 search, median", 1e3 * float(np.median(search)), "CPU ms", at_most=300, trials=questions)
    out.add("tier 2 describing, median", 1e3 * float(np.median(describe)), "CPU ms", trials=questions)


def _unrelated(index: Index, photographs: Sequence[Rgb], chosen: argparse.Namespace, out: Report) -> None:
    pictures = strangers(photographs, np.random.default_rng(6))
    wrong = 0
    for number in range(chosen.strangers):
        answer = ask(index, next(pictures))
        if answer.first is not None:
            wrong += 1
            out.notes.append(f"  stranger {number} was taken for {answer.first}")
    out.add("false matches, unrelated", wrong / chosen.strangers, "", at_most=1e-3, trials=chosen.strangers)


def _colourways(assets: dict[str, Rgb], chosen: argparse.Namespace, out: Report) -> None:
    """Give every colourful asset three siblings with the hue of one part turned, and ask for each of the four."""
    right = trials = 0
    for asset, rgb in assets.items():
        family = recoloured(rgb, np.random.default_rng(zlib.crc32(asset.encode())))
        index = Index()
        for sibling, picture in family.items():
            index.add(sibling, picture)
        for name in COLOUR_ATTACKS[:2] if chosen.quick else COLOUR_ATTACKS:
            for sibling, picture in family.items():
                attacked = SUITE[name].apply(picture, np.random.default_rng(12))
                trials += 1
                right += ask(index, attacked.rgb).first == sibling
    out.add("right colourway named", right / trials if trials else None, "", at_least=0.95, trials=trials)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare this benchmark's own options."""
    parser.add_argument("--images", type=Path, metavar="DIR", help="photographs that are the assets")
    parser.add_argument("--others", type=Path, metavar="DIR", help="photographs that strangers are composed of")
    parser.add_argument("--index", type=int, default=10_000, help="strangers in the index")
    parser.add_argument("--described", type=int, default=1_000, help="of these, pictures; the rest are shuffled codes")
    parser.add_argument("--strangers", type=int, default=3_000, help="unrelated pictures to ask for")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""

    def sized(chosen: argparse.Namespace, report: Report) -> None:
        if chosen.quick:
            chosen.index, chosen.strangers = min(chosen.index, QUICK_INDEX), min(chosen.strangers, QUICK_STRANGERS)
            chosen.described = min(chosen.described, QUICK_STRANGERS)
        measure(chosen, report)

    return run("lookup", sized, argv, options, __doc__)


if __name__ == "__main__":
    sys.exit(main())
