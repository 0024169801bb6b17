"""Does the extension find what is ours, and how fast? `python -m benchmarks.extension [--images DIR]`.

Real browsers, headless, with the built extension and no permission but for the service, which runs on this machine.
The button is the toolbar's, pressed through the browser. Every kind of picture on the wall carries a photograph of its
own. Needs ``apt-get install -y chromium firefox-esr nodejs``; what is missing has no figure, and breaks its promise.
"""

from __future__ import annotations

import argparse
import base64
import io
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.browsers import firefox as firefox_module
from benchmarks.browsers import wall
from benchmarks.browsers.chromium import Chromium
from benchmarks.browsers.firefox import Firefox
from benchmarks.browsers.site import Web
from benchmarks.browsers.stage import Site, built, free_port, running_site
from benchmarks.photographs import Rgb, at_megapixels, from_wheel, open_rgb, paths_in
from benchmarks.report import Report, run
from watermark import fingerprint

PICTURES = 100
IDLE_S = 45  # browsers end a worker that had nothing to do for 30 s
_SETTLED = """async (since) => Object.values(await chrome.storage.session.get(null))
  .find((one) => one?.items && one.state !== 'running' && one.begun > since) ?? null"""


def credentials(site: Site) -> dict[str, str]:
    """Return what signs the extension in."""
    return {"access": site.brand["tokens"]["investigator"], "service": site.url}


def signed_in(browser: Chromium, site: Site) -> None:
    """Sign the extension in with a token."""
    browser.worker.run(
        "async (held) => { await chrome.storage.session.set({ credentials: held }); }", credentials(site)
    )


def clicked(browser: Chromium, page: Any) -> dict[str, Any]:
    """Press the button and wait for the end of the scan that begins."""
    since = browser.worker.run("() => Date.now()") - 1
    browser.click_toolbar(page)
    return dict(browser.worker.until(_SETTLED, since, timeout_s=60))


def kinds_found(scan: dict[str, Any]) -> int:
    """Count the kinds of the wall whose own photograph was recognised."""
    names = {kind.name for kind in wall.KINDS}
    return len({item["title"] for item in scan["items"] if item["verdict"] == "ours"} & names)


def measure_walls(folder: Path, site: Site, web: Web, report: Report) -> None:
    """Scan the wall in both browsers."""
    pictures = [wall.jpeg(rgb) for rgb in wall.photographs(len(wall.KINDS))]
    named = {kind.name: data for kind, data in zip(wall.KINDS, pictures, strict=True)}
    site.stock(named)
    address = wall.put_wall(web, named)
    browser = Chromium(built(folder, site.url), folder / "wall")
    try:
        signed_in(browser, site)
        page = browser.open(address, ready="() => document.body?.dataset.ready")
        scan = clicked(browser, page)
    finally:
        browser.close()
    count = len(wall.KINDS)
    title = f"kinds of picture found of {count}"
    report.add(f"{title}, Chromium", kinds_found(scan), "", at_least=19, trials=count)
    wrong = sum(item["verdict"] == "not_ours" for item in scan["items"])
    report.add("pictures of ours called not ours", wrong, "", at_most=0, trials=count)
    report.add(f"{title}, Firefox", in_firefox(folder, site, address), "", at_least=17, trials=count)


def in_firefox(folder: Path, site: Site, address: str) -> int | None:
    """Scan the wall in Firefox; None where there is none."""
    if firefox_module.program() is None:
        return None
    browser = Firefox(built(folder, site.url, "firefox"), folder / "firefox-profile", port=free_port())
    try:
        browser.run_in_extension("async (held) => chrome.storage.session.set({ credentials: held })", credentials(site))
        browser.go(address)
        browser.run(
            "async () => { while (!document.body.dataset.ready) await new Promise((on) => setTimeout(on, 50)); }"
        )
        browser.click_toolbar()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if scan := browser.run_in_extension(_SETTLED, 0):
                return kinds_found(scan)
        return None
    finally:
        browser.close()


def measure_speed(folder: Path, site: Site, web: Web, report: Report, rounds: int) -> None:
    """Time a page of 100 pictures from click to badges, and one of 12 MP from the menu to its verdict."""
    rng = np.random.default_rng(1)
    for number in range(PICTURES):
        coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8)).resize((640, 480), Image.Resampling.BICUBIC)
        web.put(f"/{number}.jpg", wall.jpeg(np.asarray(coarse), 85), "image/jpeg", host="cdn.test")
    images = "".join(f"<img width=120 height=90 src={web.url(f'/{n}.jpg', 'cdn.test')}>" for n in range(PICTURES))
    large = web.put("/12mp.jpg", wall.jpeg(at_megapixels(from_wheel()["coffee"], 12.0), 90), "image/jpeg")
    browser = Chromium(built(folder, site.url), folder / "speed")
    try:
        signed_in(browser, site)
        page = browser.open(web.put("/100.html", images))
        times = [scan["ended"] - scan["begun"] for scan in (clicked(browser, page) for _ in range(rounds + 1))]
        report.notes.append(f"scans of {PICTURES}, the first opens the panel: {times} ms")
        report.add(f"scan of {PICTURES} pictures, click to badges, median", float(np.median(times[1:])), "ms",
                   at_most=1500, trials=rounds)  # fmt: skip
        page = browser.open(web.put("/large.html", f"<img width=600 src={large}>"))
        clicked(browser, page)  # the browser gives the page to the extension
        tab = browser.tab_of(page)
        times = []
        for _ in range(rounds):
            since = browser.worker.run("() => Date.now()") - 1
            browser.worker.run(
                """(tab, src) => chrome.contextMenus.onClicked.dispatch(
                  { menuItemId: 'check', srcUrl: src, frameId: 0, editable: false, pageUrl: tab.url }, tab)""",
                tab,
                large,
            )
            scan = browser.worker.until(_SETTLED, since, timeout_s=30)
            times.append(scan["ended"] - scan["begun"])
            browser.cdp.rest(1.2)  # the browser allows two captures a second
        report.add("12 megapixels, menu to verdict, median", float(np.median(times)), "ms", at_most=1000, trials=rounds)
    finally:
        browser.close()


def measure_hashes(folder: Path, site: Site, web: Web, pictures: list[Rgb], report: Report) -> None:
    """Compare hashes with the service's: of tiles as scanned, and of files as reported."""
    files = [wall.jpeg(rgb) for rgb in pictures]
    codes, images = [], []
    for number, data in enumerate(files):
        bits, quality = fingerprint.pdq(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
        codes.append((bits[0].tobytes().hex(), quality))
        images.append(f"<img width=100 src={web.put(f'/h{number}.jpg', data, 'image/jpeg')}>")
    browser = Chromium(built(folder, site.url), folder / "hashes")
    try:
        signed_in(browser, site)
        scan = clicked(browser, browser.open(web.put("/hashes.html", "".join(images))))
        tiles: dict[int, str] = {}
        for item in scan["items"]:
            tiles[int(item["urls"][0].rsplit("/h", 1)[1].split(".")[0])] = item["pdq"]
        page = browser.own("src/ui/options.html")
        hash_file = """async (data) => {
          const { blobOf, hashOf } = await import('/src/lib/picture.js');
          return (await hashOf(blobOf(data, 'image/jpeg'))).pdq;
        }"""
        whole = [page.run(hash_file, base64.b64encode(data).decode()) for data in files]
    finally:
        browser.close()
    of_tiles = [apart(tiles[number], code) for number, (code, _) in enumerate(codes) if number in tiles]
    of_files = [apart(found, code) for found, (code, _) in zip(whole, codes, strict=True)]
    clear = [apart(tiles[n], code) for n, (code, quality) in enumerate(codes) if n in tiles and quality >= 75]
    count = len(of_tiles)
    report.add("hash of a 96-px tile, bits from the service's, most", max(of_tiles), "bits", at_most=20, trials=count)
    report.add("the same, of pictures whose quality is 75 or more", max(clear), "bits", trials=len(clear))
    report.add("the same, median of all", float(np.median(of_tiles)), "bits", trials=count)
    p95 = float(np.percentile(of_files, 95))
    report.add("hash at 1,024 px, bits from the service's, 95 %", p95, "bits", at_most=6, trials=len(of_files))
    report.add("the same, most", max(of_files), "bits", trials=len(of_files))


def apart(one: str, other: str) -> int:
    """Count differing bits of two hashes in hexadecimal."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def measure_idle(folder: Path, site: Site, report: Report) -> None:
    """Leave the browser alone, without looking at the worker, which would keep it awake."""
    browser = Chromium(built(folder, site.url), folder / "idle")
    try:
        browser.cdp.rest(IDLE_S)
        left = len(browser.targets("service_worker"))
    finally:
        browser.close()
    report.add(f"workers of the extension alive after {IDLE_S} s of nothing", left, "", at_most=0)


def photographs(chosen: argparse.Namespace) -> list[Rgb]:
    """Return what is hashed: the caller's pictures, or the wheel's at three sizes and cut in parts."""
    if chosen.images is not None:
        return [at_megapixels(open_rgb(path), 2.0) for path in paths_in(chosen.images)]
    made = []
    for rgb in from_wheel().values():
        height, width = rgb.shape[:2]
        made += [rgb, at_megapixels(rgb, 2.0), rgb[: height * 2 // 3, : width // 2], rgb[height // 3 :, width // 3 :]]
        made += [] if chosen.quick else [at_megapixels(rgb, 8.0)]
    return made


def measure(chosen: argparse.Namespace, report: Report) -> None:
    """Measure everything, on one service."""
    web = Web()
    with tempfile.TemporaryDirectory() as place, running_site(Path(place) / "data") as site:
        folder = Path(place)
        for browser in ("chrome", "firefox"):
            built(folder, site.url, browser)
            (archive,) = folder.glob(f"telltale-{browser}-*.zip")
            size = archive.stat().st_size / 1000
            report.add(f"size of the package, {browser}", size, "kB", at_most=150)
        try:
            measure_walls(folder, site, web, report)
            measure_speed(folder, site, web, report, 5 if chosen.quick else 15)
            measure_hashes(folder, site, web, photographs(chosen), report)
            measure_idle(folder, site, report)
        finally:
            web.close()


def options(parser: argparse.ArgumentParser) -> None:
    """Declare this benchmark's own options."""
    parser.add_argument("--images", type=Path, metavar="DIR", help="pictures to hash instead of scikit-image's")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    return run("extension", measure, argv, options, __doc__)


if __name__ == "__main__":
    sys.exit(main())
