"""The main job as a client does it, step by step; the service is somewhere else.

Send two pictures to two hundred people, find one of them on a web page, and ask which copy it was. Then ask about a
picture that is nobody's business, and about one that is too far gone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from service.demo import damage, hashing, page
from service.demo.answers import COPY_NAMED, INCONCLUSIVE, NOT_OURS, Answer, judge_lookup, judge_sighting
from service.demo.client import Client
from service.demo.photographs import LAUNCH, PORTRAIT, STRANGER, TEASERS, Photograph, Rgb, jpeg, pixels, png
from service.demo.recipients import recipients_csv
from service.demo.steps import Bar, Steps, duration
from service.errors import ServiceError

BRAND = "Maison Aurore"
LEAKED, CROPPED, DAMAGED = 117, 42, 23
"""Serials of the copies that leak: on a news page, as a hard crop, and as a thumbnail."""

_AT_A_TIME = 4


class NotPrepared(ServiceError):
    """The service could not prepare a photograph of the demo."""


@dataclass(frozen=True)
class Told:
    """All answers, what the hashes said, the trail of the leaked copy, and the brand for the console."""

    brand_id: str
    answers: list[Answer]
    lookups: list[dict[str, Any]]
    trail: list[dict[str, Any]]
    ms_per_copy: float


def play(client: Client, steps: Steps, folder: Path) -> Told:
    """Do the main job and judge every answer; pictures are left in ``folder`` for whoever wants to look."""
    with steps.step("Create a brand") as (_, bar):
        brand = client.create_brand(BRAND)
        bar.at(1)
    assets = [_upload(client, steps, photograph) for photograph in (PORTRAIT, LAUNCH)]
    listed = recipients_csv()
    (folder / "recipients.csv").write_bytes(listed)
    with steps.step("Import recipients from a CSV") as (step, bar):
        step.note = f"{client.import_recipients(listed)} recipients"
        bar.at(1)
    with steps.step("Issue a copy of each to everybody and read a sample back", total=len(assets)) as (step, bar):
        issued: list[list[dict[str, Any]]] = []
        for asset in assets:
            issued.append(client.issue(asset["id"], progress=partial(_advance, bar, len(issued))))
        step.note = f"{sum(map(len, issued))} copies"
    ms = _download(client, steps, issued, folder)

    leaked, part, tiny = issued[0][LEAKED - 1], issued[1][CROPPED - 1], issued[1][DAMAGED - 1]
    copy = pixels((folder / _file(leaked)).read_bytes())
    with steps.step("Crop one, re-compress it, show it on a news page") as (step, bar):
        trimmed = damage.recompressed(damage.cropped(copy, damage.TRIM))
        shot, box = page.screenshot(trimmed, [teaser.rgb for teaser in TEASERS])
        leak = png(shot)
        (folder / "leak-on-a-page.png").write_bytes(leak)
        step.note = f"{leaked['name']}, {leaked['alias']}"
        bar.at(1)
    found, lookups = _look_up(client, steps, assets[0]["id"], (box.of(shot), shot), leak)
    sighted = _report(client, steps, "Submit the page's screenshot as a sighting", leak, "page.png")
    named = judge_sighting("news page with a cropped copy", sighted, expected=COPY_NAMED, copy_id=leaked["id"])

    whole = pixels((folder / _file(part)).read_bytes())
    crop = jpeg(damage.cropped(whole, damage.CROP), damage.REPOSTED)
    (folder / "leak-cropped.jpg").write_bytes(crop)
    posted = _report(client, steps, "Submit two thirds of another, as a post would crop it", crop, "post.jpg")
    cut = judge_sighting("two thirds of a copy", posted, expected=COPY_NAMED, copy_id=part["id"])

    stranger = jpeg(STRANGER.rgb, 85)
    (folder / "not-ours.jpg").write_bytes(stranger)
    other = _report(client, steps, "Submit a photograph that was never ours", stranger, "photo.jpg")
    gone = damage.too_damaged(pixels((folder / _file(tiny)).read_bytes()))
    (folder / "too-damaged.jpg").write_bytes(gone)
    lost = _report(client, steps, "Submit a leak that is too damaged to read", gone, "thumbnail.jpg")
    with steps.step("Ask what ever happened to the leaked copy") as (step, bar):
        trail = client.provenance(leaked["id"])
        step.note = f"{len(trail)} entries"
        bar.at(1)
    answers = [
        *found,
        named,
        cut,
        judge_sighting("unmarked photograph", other, expected=NOT_OURS),
        judge_sighting("64-pixel thumbnail of a copy", lost, expected=INCONCLUSIVE),
    ]
    return Told(brand["id"], answers, lookups, trail, ms)


def _upload(client: Client, steps: Steps, photograph: Photograph) -> dict[str, Any]:
    rgb = photograph.rgb
    with steps.step(f"Upload and prepare “{photograph.title}”") as (step, bar):
        data = jpeg(rgb, 97)
        asset = client.upload(data, name=f"{photograph.name}.jpg", title=photograph.title, progress=bar.at)
        step.note = f"{rgb.shape[1]} × {rgb.shape[0]}, {photograph.credit}"
    if asset["state"] != "ready":
        raise NotPrepared(f"“{photograph.title}” was not prepared: {asset['problem']}", hint=asset["hint"])
    return asset


def _advance(bar: Bar, before: int, done: float) -> None:
    bar.at(before + done)


def _download(client: Client, steps: Steps, issued: list[list[dict[str, Any]]], folder: Path) -> float:
    copies = [copy for of_asset in issued for copy in of_asset]
    (folder / "copies").mkdir(exist_ok=True)

    def fetch(copy: dict[str, Any]) -> None:
        (folder / _file(copy)).write_bytes(client.download(copy))

    with steps.step("Make and download every copy", total=len(copies)) as (step, bar):
        threads = ThreadPoolExecutor(_AT_A_TIME)
        try:
            started = time.perf_counter()
            for _ in threads.map(fetch, copies):
                bar.advance()
            ms = (time.perf_counter() - started) * 1000 / len(copies)
            step.note = f"{ms:.0f} ms per copy"
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
    return ms


def _look_up(
    client: Client, steps: Steps, asset_id: str, pictures: Sequence[Rgb], leak: bytes
) -> tuple[list[Answer], list[dict[str, Any]]]:
    """Ask as an extension would, with hashes only; and then once with the screenshot itself.

    The extension knows the picture's rectangle on the page and hashes that. The hash of the whole screenshot says
    nothing, for it is mostly page; local features find the picture in it, once somebody sends the screenshot.
    """
    cases = ("hash of the picture on the page", "hash of the whole screenshot")
    with steps.step("Look up by perceptual hash") as (step, bar):
        results = client.look_up([hashing.query(rgb) for rgb in pictures])
        bar.at(1)
        step.note = f"{results[0]['result'].replace('_', ' ')}; two hashes in one request"
    with steps.step("Look up by local features") as (step, bar):
        results.append(client.look_up_picture(leak, name="page.png"))
        bar.at(1)
        step.note = f"{results[2]['result'].replace('_', ' ')}; the screenshot itself"
    lookups = [
        {"case": case, **result} for case, result in zip((*cases, "the screenshot itself"), results, strict=True)
    ]
    judged = [judge_lookup(lookups[number]["case"], results[number], asset_id=asset_id) for number in (0, 2)]
    return judged, lookups


def _report(client: Client, steps: Steps, name: str, data: bytes, file: str) -> dict[str, Any]:
    with steps.step(name) as (step, bar):
        sighting = client.report(data, name=file, page_url=page.PAGE_URL, progress=bar.at)
        took = ", ".join(f"{name} {duration(value)}" for name, value in (sighting.get("timings_s") or {}).items())
        step.note = f"{str(sighting.get('outcome') or sighting['state']).replace('_', ' ')}; {took}"
    return sighting


def _file(copy: dict[str, Any]) -> str:
    return f"copies/{copy['asset_id'][:12]}-{copy['serial']:04d}.jpg"
