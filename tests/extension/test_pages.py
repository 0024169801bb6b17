"""Every kind of picture on every kind of page: read, or said not to be; and badges that stay where they belong."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import jpeg

from benchmarks.browsers import firefox as firefox_module
from benchmarks.browsers import wall
from benchmarks.browsers.chromium import Chromium, Page
from benchmarks.browsers.firefox import Firefox
from benchmarks.browsers.site import Web
from extension.conftest import Site, built, keep, missing, sign_in, verdicts

pytestmark = pytest.mark.browser
POLICIES = {
    "no policy": "",
    "sandbox": "sandbox",
    "nothing but pictures": "default-src 'none'; img-src *",
    "trusted types, no style": "require-trusted-types-for 'script'; style-src 'none'; connect-src 'none'",
}


@pytest.fixture(scope="module")
def pictures(site: Site) -> dict[str, bytes]:
    """Return a picture for every kind of the wall; the service knows them all."""
    made = [wall.jpeg(rgb) for rgb in wall.photographs(len(wall.KINDS))]
    named = {kind.name: data for kind, data in zip(wall.KINDS, made, strict=True)}
    site.stock(named)
    return named


@pytest.fixture(scope="module")
def one(pictures: dict[str, bytes]) -> bytes:
    return pictures["img"]


def found_on_the_wall(scan: dict[str, Any], known: dict[str, bytes]) -> set[str]:
    """Name the kinds that were recognised, and as the right asset."""
    return {item["title"] for item in scan["items"] if item["verdict"] == "ours"} & set(known)


def test_the_wall_in_chromium(chromium: Chromium, web: Web, pictures: dict[str, bytes]) -> None:
    page = chromium.open(wall.put_wall(web, pictures), ready="() => document.body?.dataset.ready")
    scan = chromium.scanned(chromium.click_toolbar(page))
    keep(page, "wall-chromium")
    missed = {kind.name for kind in wall.KINDS} - found_on_the_wall(scan, pictures)
    assert missed <= {"webgl"}, missed  # a machine without a graphics card may have none
    unread = [item["verdict"] for item in scan["items"] if item["verdict"] != "ours"]
    assert set(unread) <= {"unreadable"}, "what could not be read is never called not ours"


def test_the_wall_in_firefox(
    site: Site, web: Web, pictures: dict[str, bytes], tmp_path: Path, unused_port: Callable[[], int]
) -> None:
    if firefox_module.program() is None:
        missing("firefox-esr")
    browser = Firefox(built(tmp_path / "built", site.url, "firefox"), tmp_path / "profile", port=unused_port())
    try:
        held = {"access": site.brand["tokens"]["investigator"], "service": site.url}
        browser.run_in_extension("async (held) => chrome.storage.session.set({ credentials: held })", held)
        browser.go(wall.put_wall(web, pictures))
        ready = "async () => { while (!document.body.dataset.ready) await new Promise((on) => setTimeout(on, 50)); }"
        browser.run(ready)
        browser.click_toolbar()
        scan = browser.run_in_extension(
            """async () => {
              for (let turn = 0; turn < 300; turn += 1) {
                const held = Object.values(await chrome.storage.session.get(null));
                const scan = held.find((one) => one?.items && one.state !== 'running');
                if (scan) return scan;
                await new Promise((on) => setTimeout(on, 100));
              }
            }"""
        )
    finally:
        browser.close()
    assert scan["state"] == "done", scan
    missed = {kind.name for kind in wall.KINDS} - found_on_the_wall(scan, pictures)
    assert missed <= {"webgl"}, missed
    assert {item["verdict"] for item in scan["items"]} <= {"ours", "unreadable"}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_no_policy_of_a_page_keeps_a_picture_from_being_read(
    chromium: Chromium, web: Web, one: bytes, policy: str
) -> None:
    web.put("/one.jpg", one, "image/jpeg", host="cdn.test")
    headers = {"Content_Security_Policy": policy} if policy else {}
    page = chromium.open(web.put("/p.html", f"<img width=300 src={web.url('/one.jpg', 'cdn.test')}>", **headers))
    scan = chromium.scanned(chromium.click_toolbar(page))
    assert verdicts(scan) == {"one.jpg": "ours"}, scan


@pytest.mark.parametrize("hidden_ms", [900, 60_000])
def test_a_sheet_that_is_painted_late_is_never_read_as_nothing(
    open_chromium: Callable[..., Chromium],
    extension: Path,
    site: Site,
    web: Web,
    one: bytes,
    tmp_path: Path,
    hidden_ms: int,
) -> None:
    late = tmp_path / "late"
    shutil.copytree(extension, late)
    script = late / "src" / "content" / "sheet.js"
    text = script.read_text()
    hiding = f"host.remove(); setTimeout(raise, {hidden_ms}); await painted();"
    script.write_text(text.replace("await painted();", hiding))
    assert script.read_text() != text
    browser = open_chromium(late)
    sign_in(browser, site)
    page = browser.open(web.put("/p.html", f"<img width=300 src={web.put('/one.jpg', one, 'image/jpeg')}>"))
    scan = browser.scanned(browser.click_toolbar(page), timeout_s=60)
    if hidden_ms < 10_000:
        assert verdicts(scan) == {"one.jpg": "ours"}
        assert scan["captures"] > 1
    else:
        assert (scan["state"], scan["problem"]) == ("failed", "not_shown")
        assert "not_ours" not in str(scan["items"])


def test_a_blank_picture_could_not_be_read(chromium: Chromium, web: Web) -> None:
    blank = jpeg(np.full((200, 300, 3), 128, np.uint8))
    page = chromium.open(web.put("/p.html", f"<img src={web.put('/blank.jpg', blank, 'image/jpeg')}>"))
    tab = chromium.click_toolbar(page)
    assert verdicts(chromium.scanned(tab)) == {"blank.jpg": "unreadable"}
    panel = chromium.own(f"src/ui/panel.html?tab={tab}")
    panel.until("() => document.querySelector('#unread .card')")
    assert "Could not read: 1" in panel.text()
    assert "Not ours: 0" in panel.text()


def badge_and_picture(browser: Chromium, page: Page, tab: int) -> tuple[dict[str, Any], dict[str, float]]:
    ask = "async (tab) => (await chrome.tabs.sendMessage(tab, { ask: 'badgeBoxes' })).value"
    box = "() => { const b = document.querySelector('img').getBoundingClientRect(); return { x: b.x, y: b.y }; }"
    return browser.worker.run(ask, tab), page.run(box)


def test_badges_stay_on_their_pictures_and_never_double(chromium: Chromium, web: Web, one: bytes) -> None:
    html = """<body style="height: 4000px; margin: 0"><div id=pad style="height: 60px"></div>
      <div id=box style="height: 500px; width: 400px; overflow: auto"><div style="height: 2000px">
      <img style="margin: 30px" width=200 src={}></div></div>"""
    page = chromium.open(web.put("/p.html", html.format(web.put("/one.jpg", one, "image/jpeg"))))
    tab = chromium.click_toolbar(page)
    chromium.scanned(tab)
    moves = (
        "() => scrollTo(0, 25)",
        "() => { document.querySelector('#pad').style.height = '131px'; }",
        "() => { document.querySelector('#box').scrollTop = 17; }",
        "() => { document.querySelector('#box').style.marginLeft = '77px'; }",
    )
    for move in moves:
        page.run(move)
        chromium.cdp.rest(0.4)
        badges, picture = badge_and_picture(chromium, page, tab)
        (badge,) = badges.values()
        assert (badge["x"] - picture["x"], badge["y"] - picture["y"]) == pytest.approx((8, 8), abs=0.5), move
    page.send("Emulation.setDeviceMetricsOverride", width=700, height=600, deviceScaleFactor=1, mobile=False)
    chromium.cdp.rest(0.4)
    page.send("Emulation.clearDeviceMetricsOverride")
    begun = chromium.scanned(tab)["begun"]
    chromium.click_toolbar(page)
    page.until("() => true")
    chromium.worker.until(
        "async (tab, begun) => { const s = (await chrome.storage.session.get(`scan:${tab}`))[`scan:${tab}`];"
        " return s.begun > begun && s.state === 'done'; }",
        tab,
        begun,
    )
    badges, picture = badge_and_picture(chromium, page, tab)
    (badge,) = badges.values()
    assert (badge["x"] - picture["x"], badge["y"] - picture["y"]) == pytest.approx((8, 8), abs=0.5)
    page.run("() => { document.querySelector('#box').scrollTop = 1500; }")
    chromium.cdp.rest(0.4)
    badges, _ = badge_and_picture(chromium, page, tab)
    assert [badge["width"] for badge in badges.values()] == [0], "hidden with its picture"


def test_a_frame_of_another_site_is_said_to_be_unread_and_read_once_allowed(
    open_chromium: Callable[..., Chromium], extension: Path, site: Site, web: Web, one: bytes, tmp_path: Path
) -> None:
    web.put("/one.jpg", one, "image/jpeg", host="other.test")
    web.put("/frame.html", "<img width=200 src=/one.jpg>", host="other.test")
    html = f"<iframe width=400 height=300 src={web.url('/frame.html', 'other.test')}></iframe>"
    address = web.put("/p.html", html)
    for folder, verdict in (
        (extension, "unreadable"),
        (built(tmp_path / "allowed", site.url, permissions=("http://other.test/*",)), "ours"),
    ):
        browser = open_chromium(folder)
        sign_in(browser, site)
        scan = browser.scanned(browser.click_toolbar(browser.open(address)))
        assert [item["verdict"] for item in scan["items"]] == [verdict]
        if verdict == "unreadable":
            assert scan["items"][0]["needs"] == web.url("", "other.test")


def test_a_picture_larger_than_the_window_is_stitched(chromium: Chromium, site: Site, web: Web) -> None:
    rng = np.random.default_rng(4)
    coarse = rng.integers(0, 255, (14, 11, 3), np.uint8)
    large = np.asarray(wall.Image.fromarray(coarse).resize((1500, 1900), wall.Image.Resampling.BICUBIC))
    data = jpeg(large, 90)
    site.stock({"large": data})
    web.put("/large.jpg", data, "image/jpeg", host="cdn.test")
    page = chromium.open(web.put("/p.html", f"<img width=300 src={web.url('/large.jpg', 'cdn.test')}>"))
    tab = chromium.click_toolbar(page)
    item = chromium.scanned(tab)["items"][0]
    assert item["verdict"] == "ours"
    panel = chromium.own("src/ui/options.html")
    page.front()
    got = panel.run(
        """async (tab, item) => {
          const { obtain } = await import('/src/lib/obtain.js');
          const { Page } = await import('/src/lib/tab.js');
          const { hashOf, dataUrl } = await import('/src/lib/picture.js');
          const page = await new Page(await chrome.tabs.get(tab)).enter();
          const { blob, how, pieces, scale } = await obtain(page, item, () => undefined);
          return { how, pieces, scale, ...(await hashOf(blob)), data: await dataUrl(blob) };
        }""",
        tab,
        item,
    )
    assert (got["how"], got["scale"], got["width"], got["height"]) == ("stitched", 1, 1500, 1900)
    assert got["pieces"] >= 4
    import base64
    import io

    stitched = np.asarray(wall.Image.open(io.BytesIO(base64.b64decode(got["data"].split(",")[1]))).convert("RGB"))
    shown = np.asarray(wall.Image.open(io.BytesIO(data)).convert("RGB"))
    assert np.abs(stitched.astype(int) - shown).mean() < 1.5, "pixel for pixel, but for colour rounding"
