"""From a protected picture to a named copy in the panel and its case in the console; and what leaves the browser."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from conftest import jpeg
from PIL import Image

from benchmarks.browsers.chromium import Chromium
from benchmarks.browsers.recorder import Recorder
from benchmarks.browsers.site import Web
from extension.conftest import Site, keep, report, sign_in, until, verdicts

pytestmark = pytest.mark.browser


def leak_of(site: Site, picture: np.ndarray, house: str = "Press") -> tuple[bytes, dict[str, Any]]:
    """Protect a picture, issue copies, and damage the second one as a forum would."""
    files = {"file": ("look.jpg", jpeg(picture))}
    data = {"title": "Campaign portrait", "embargo_until": "2031-03-01T00:00:00Z"}
    asset = site.call("POST", "/v1/assets", "uploader", data=data, files=files)
    assert site.settled(f"/v1/assets/{asset['id']}")["state"] == "ready"
    csv = {"file": ("r.csv", f"alias\n{house} 1\n{house} 2\n{house} 3\n")}
    site.call("POST", "/v1/recipients/import", "uploader", files=csv)
    batch = site.call("POST", f"/v1/assets/{asset['id']}/copies", "uploader", json={"recipients": "all"})
    assert site.settled(f"/v1/copy-batches/{batch['batch_id']}")["state"] == "released"
    copies = site.call("GET", f"/v1/assets/{asset['id']}/copies", "uploader")["items"]
    copy = copies[1]
    file = httpx.get(f"{site.url}{copy['file']}", headers=site.headers("uploader"), timeout=60).content
    reposted = Image.open(io.BytesIO(file)).convert("RGB").resize((460, 460))
    return jpeg(np.asarray(reposted), 75), copy


def test_from_a_leak_on_a_page_to_the_case(
    chromium: Chromium, site: Site, web: Web, astronaut: np.ndarray, open_chromium: Callable[..., Chromium]
) -> None:
    leak, copy = leak_of(site, astronaut)
    web.put("/leak.jpg", leak, "image/jpeg", host="cdn.test")
    from skimage import data

    web.put("/coffee.jpg", jpeg(np.asarray(data.coffee())), "image/jpeg")
    post = f"""<title>Fan forum</title><link rel=canonical href="{web.url("/thread/7")}">
      <article><a rel=author>@leaker</a> <a href="/p/1"><time>today</time></a>
      <p><img alt="Have you seen this?" width=420 src="{web.url("/leak.jpg", "cdn.test")}"></p></article>
      <img width=300 src=/coffee.jpg>"""
    page = chromium.open(web.put("/forum.html", post))
    tab = chromium.click_toolbar(page)
    scan = chromium.scanned(tab)
    assert scan["state"] == "done", scan
    assert verdicts(scan) == {"leak.jpg": "ours", "coffee.jpg": "not_ours"}
    keep(page, "scan")

    panel = chromium.own(f"src/ui/panel.html?tab={tab}")
    panel.until("() => document.querySelector('#found .tag.ours')")
    assert "Ours, embargo until" in panel.text()
    assert "Press 2" not in panel.text()
    keep(panel, "panel-found")
    panel.run("() => document.querySelector('#found .actions button').click()")
    panel.until("() => document.querySelector('.confirm')")
    assert "nowhere else" in panel.text()
    page.front()  # the screenshot is of the page, so the page has to be in front
    panel.run("() => document.querySelector('.confirm .actions button').click()")
    panel.until("() => document.querySelector('#history .card')", timeout_s=60)
    panel.front()
    panel.until("() => document.querySelector('#history .tag.copy_named')", timeout_s=90)
    text = panel.text()
    assert f"The picture shows copy {copy['serial']:04d}, issued to Press 2." in text
    assert "This names a copy, not a person" in text
    keep(panel, "panel-named")

    case = str(panel.run("() => document.querySelector('#history a').href"))
    sighting_id = case.rsplit("/", 1)[1]
    evidence = site.call("GET", f"/v1/sightings/{sighting_id}/evidence", "investigator")
    claim = evidence["claim"]
    # Its host allows nobody to fetch it, so it was captured; it is smaller than the window, so one capture shows it.
    assert (claim["obtained"], claim["title"], claim["account"]) == ("capture", "Fan forum", "@leaker")
    assert claim["permalink"] == web.url("/p/1")
    assert (claim["width"], claim["height"]) == (460, 460)
    assert [exhibit["kind"] for exhibit in evidence["exhibits"]] == ["screenshot"]
    assert evidence["picture_sha256"] == claim["sha256"]

    console = chromium.open()
    console.send("Page.enable")
    console.go(site.fresh_link())
    console.run("() => document.querySelector('form button').click()")
    console.until("() => location.pathname.startsWith('/console')")
    console.go(case)
    assert "is named: issued to Press 2" in console.text()
    assert "Captured from the screen at the picture's own size" in console.text()
    keep(console, "case")


def test_nothing_but_hashes_leaves_on_a_page_of_200_pictures(
    open_chromium: Callable[..., Chromium], extension: Path, site: Site, web: Web
) -> None:
    rng = np.random.default_rng(9)
    noise = [np.kron(rng.integers(0, 255, (6, 8, 3), np.uint8), np.ones((20, 20, 1), np.uint8)) for _ in range(200)]
    for number, rgb in enumerate(noise):
        web.put(f"/{number}.jpg", jpeg(rgb, 80), "image/jpeg", host="cdn.test" if number % 2 else "site.test")
    # a page without an icon has the browser itself ask for one, sooner or later
    head = "<link rel=icon href='data:,'><title>A private title</title>"
    secrets = f"{head}<input value='private draft'><p>a private message</p>"
    pictures = "".join(
        f"<img width=160 height=120 alt='alt {n}' src={web.url(f'/{n}.jpg', 'cdn.test' if n % 2 else 'site.test')}>"
        for n in range(200)
    )
    recorder = Recorder()
    try:
        browser = open_chromium(extension, flags=recorder.flags)
        sign_in(browser, site)
        page = browser.open(web.put("/private/path.html", secrets + pictures))
        before = len(recorder.sent)
        scan = browser.scanned(browser.click_toolbar(page))
        browser.cdp.rest(2)
        sent = recorder.sent[before:]
    finally:
        recorder.close()
    assert len(scan["items"]) == 200
    assert {item["verdict"] for item in scan["items"]} == {"not_ours"}
    service = site.url.removeprefix("http://")
    hashes = 0
    for asked in sent:
        if asked.method == "CONNECT":  # Chromium's own; the proxy refused it, so not a byte of content went with it
            assert asked.path.endswith((".google.com:443", ".googleapis.com:443", ".gvt1.com:443")), asked.path
            continue
        assert asked.host == service, f"{asked.method} {asked.path} leaves"
        assert (asked.method, asked.path) == ("POST", f"{site.url}/v1/lookup")
        body = json.loads(asked.body)
        assert set(body) == {"hashes"}
        for one in body["hashes"]:
            assert set(one) == {"pdq", "quality"}
            assert re.fullmatch("[0-9a-f]{64}", one["pdq"])
            assert isinstance(one["quality"], int)
        hashes += len(body["hashes"])
        whole = " ".join([asked.path, *(f"{name}: {value}" for name, value in asked.headers.items())]).lower()
        for word in ("site.test", "cdn.test", "private", "cookie", "referer"):
            assert word not in whole, whole
    assert hashes == 200


def test_a_flagger_learns_that_it_is_ours_and_nothing_of_copies(
    open_chromium: Callable[..., Chromium], extension: Path, site: Site, web: Web, astronaut: np.ndarray
) -> None:
    leak, _ = leak_of(site, astronaut[::-1], "Printer")
    browser = open_chromium(extension)
    sign_in(browser, site, "flagger")
    page = browser.open(web.put("/a.html", f"<img src={web.put('/leak.jpg', leak, 'image/jpeg')}>"))
    tab = browser.click_toolbar(page)
    assert verdicts(browser.scanned(tab)) == {"leak.jpg": "ours"}
    panel = browser.own(f"src/ui/panel.html?tab={tab}")
    item = browser.scanned(tab)["items"][0]
    report(panel, tab, item["id"])
    panel.front()
    panel.until("() => document.querySelector('#history .tag.ours')", timeout_s=90)
    text = panel.text()
    assert "Ours, traced" in text
    for word in ("Printer", "copy 000", "Campaign"):
        assert word not in text
    kept = panel.run("async () => JSON.stringify(await (await import('/src/lib/store.js')).all('history'))")
    assert "Printer" not in kept


def test_the_original_file_is_sent_where_its_host_gives_it(
    chromium: Chromium, site: Site, web: Web, astronaut: np.ndarray
) -> None:
    data = jpeg(astronaut[:300])
    web.put("/open.jpg", data, "image/jpeg", host="cdn.test", Access_Control_Allow_Origin="*")
    page = chromium.open(web.put("/a.html", f"<img src={web.url('/open.jpg', 'cdn.test')}>"))
    tab = chromium.click_toolbar(page)
    item = chromium.scanned(tab)["items"][0]
    panel = chromium.own(f"src/ui/panel.html?tab={tab}")
    report(panel, tab, item["id"])
    sent = until(
        lambda: next(
            (
                one
                for one in site.call("GET", "/v1/sightings", "investigator")["items"]
                if one["page_url"] == web.url("/a.html")
            ),
            None,
        ),
        "the sighting",
    )
    import hashlib

    evidence = site.call("GET", f"/v1/sightings/{sent['id']}/evidence", "investigator")
    assert evidence["claim"]["obtained"] == "file"
    assert evidence["picture_sha256"] == hashlib.sha256(data).hexdigest()
