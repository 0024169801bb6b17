"""Signing in, being signed out, being offline, being told what to do, and losing nothing meanwhile."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import jpeg

from benchmarks.browsers.chromium import Chromium, Page
from benchmarks.browsers.site import Web
from extension.conftest import Site, built, free_port, keep, missing, report, sign_in, until, verdicts

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def known(site: Site) -> bytes:
    from skimage import data

    picture = jpeg(np.asarray(data.chelsea()))
    site.stock({"chelsea": picture})
    return picture


@pytest.fixture
def page_of(web: Web, known: bytes) -> str:
    return web.put("/p.html", f"<title>A post</title><img src={web.put('/known.jpg', known, 'image/jpeg')}>")


def sign_in_through_the_browser(browser: Chromium, site: Site) -> Page:
    console = browser.open().go(site.fresh_link())
    console.run("() => document.querySelector('form button').click()")
    console.until("() => location.pathname.startsWith('/console')")
    options = browser.own("src/ui/options.html")
    options.run("() => document.querySelector('#sign-in').click()")
    asked = browser.attached("page", "/oauth/authorize")
    asked.until("() => document.querySelector('button[value=allow]')")
    keep(asked, "consent")
    asked.run("() => { setTimeout(() => document.querySelector('button[value=allow]').click(), 50); }")
    options.until("() => document.querySelector('#who').textContent.includes('investigator')")
    return options


def test_signing_in_renewing_and_being_revoked(
    open_chromium: Callable[..., Chromium], extension: Path, site: Site, page_of: str
) -> None:
    browser = open_chromium(extension)
    page = browser.open(page_of)
    tab = browser.click_toolbar(page)
    assert browser.scanned(tab)["problem"] == "signed_out"
    options = sign_in_through_the_browser(browser, site)
    browser.click_toolbar(page)
    until(lambda: browser.scanned(tab)["state"] == "done", "the scan")
    assert verdicts(browser.scanned(tab)) == {"known.jpg": "ours"}

    # Two at once with a token that has ended: one renewal, or the second would sign everybody out.
    expire = """async () => {
      const { credentials } = await chrome.storage.session.get('credentials');
      await chrome.storage.session.set({ credentials: { ...credentials, expires: 0 } });
      return credentials.refresh;
    }"""
    before = options.run(expire)
    both = """async () => {
      const ask = { ask: 'lookUp', hashes: [{ pdq: '0'.repeat(64), quality: 90 }] };
      const { accessToken } = await import('/src/lib/credentials.js');
      return Promise.all([chrome.runtime.sendMessage(ask), accessToken(), chrome.runtime.sendMessage(ask)]);
    }"""
    answers = options.run(both)
    assert "error" not in str(answers)
    assert options.run("async () => (await chrome.storage.session.get('credentials')).credentials.refresh") != before

    # What a content script could get at: nothing.
    script = """async (tab) => (await chrome.scripting.executeScript({ target: { tabId: tab }, func: async () => {
      try { return JSON.stringify(await chrome.storage.session.get(null)); } catch (error) { return 'refused'; }
    } }))[0].result"""
    assert browser.worker.run(script, tab) == "refused"

    console = browser.open().go(f"{site.url}/console/extensions")
    console.run("() => document.querySelector('form[action$=revoke] button').click()")
    console.until("() => document.body.innerText.includes('None is signed in')")
    browser.click_toolbar(page)
    until(lambda: browser.scanned(tab).get("problem") == "signed_out", "the refusal")
    panel = browser.own(f"src/ui/panel.html?tab={tab}")
    panel.until("() => document.querySelector('#notice button')")
    assert "Your sign-in has ended or was revoked. Sign in again" in panel.text()


def test_a_sighting_made_offline_outlives_the_browser_and_is_sent_once(
    open_chromium: Callable[..., Chromium], extension: Path, site: Site, web: Web, page_of: str, tmp_path: Path
) -> None:
    profile = tmp_path / "kept"
    browser = open_chromium(extension, profile=profile)
    sign_in(browser, site)
    page = browser.open(page_of)
    tab = browser.click_toolbar(page)
    item = browser.scanned(tab)["items"][0]
    panel = browser.own(f"src/ui/panel.html?tab={tab}")
    away = """async () => {
      const { credentials } = await chrome.storage.session.get('credentials');
      globalThis.real = fetch;
      globalThis.fetch = (url, ...more) =>
        String(url).includes('/v1/sightings') ? Promise.reject(new TypeError('away')) : real(url, ...more);
    }"""
    browser.worker.run(away)
    report(panel, tab, item["id"], notes="made offline")
    panel.until("() => document.querySelector('#waiting .card')")
    panel.until("() => document.querySelector('#waiting').innerText.includes('Kept here until')")
    panel.front()
    keep(panel, "panel-offline")
    browser.close()

    again = open_chromium(extension, profile=profile, reopened=True)
    sign_in(again, site)
    panel = again.own("src/ui/panel.html")
    panel.until("() => document.querySelector('#history .card')", timeout_s=40)
    made = [
        one
        for one in site.call("GET", "/v1/sightings", "investigator")["items"]
        if one["page_url"] == page_of and one["notes"] == "made offline"
    ]
    assert len(made) == 1


def test_a_policy_sets_the_service_and_locks_the_options(
    open_chromium: Callable[..., Chromium], site: Site, tmp_path: Path
) -> None:
    folder = Path("/etc/chromium/policies/managed")
    if not os.access("/etc", os.W_OK):
        pytest.skip("setting a policy needs root")
    from benchmarks.browsers.chromium import EXTENSION_ID

    policy = {"service": site.url, "signIn": "token", "watch": ["forum.test"], "locked": True}
    import json

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "telltale-test.json"
    file.write_text(json.dumps({"3rdparty": {"extensions": {EXTENSION_ID: policy}}}))
    try:
        browser = open_chromium(built(tmp_path / "plain", ""))
        options = browser.own("src/ui/options.html")
        options.until("(url) => document.querySelector('#service').value === url", site.url)
        assert options.run("() => document.querySelector('#service').disabled")
        assert options.run("() => document.querySelector('#sign-in').hidden")
        assert "forum.test" in options.text()
        assert "set by your company" in options.text()
    finally:
        file.unlink()


def test_a_picture_that_is_dropped_is_checked(chromium: Chromium, known: bytes) -> None:
    import base64

    panel = chromium.own("src/ui/panel.html")
    panel.until("() => document.querySelector('#no-sightings')")
    panel.run(
        """(data) => {
          const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
          const given = new DataTransfer();
          given.items.add(new File([bytes], 'dropped.jpg', { type: 'image/jpeg' }));
          document.dispatchEvent(new DragEvent('drop', { dataTransfer: given, bubbles: true, cancelable: true }));
        }""",
        base64.b64encode(known).decode(),
    )
    panel.until("() => document.querySelector('#files .tag.ours')")


@pytest.fixture
def display() -> Iterator[str]:
    for program in ("Xvfb", "xdotool"):
        if shutil.which(program) is None:
            missing(program)
    name = f":{90 + free_port() % 900}"
    server = subprocess.Popen(["Xvfb", name, "-screen", "0", "1300x950x24"], stderr=subprocess.DEVNULL)
    try:
        until(lambda: Path(f"/tmp/.X11-unix/X{name[1:]}").exists(), "the display")
        yield name
    finally:
        server.terminate()
        server.wait()


def press(display: str, *words: str) -> None:
    subprocess.run(["xdotool", *words], env={**os.environ, "DISPLAY": display}, check=True, timeout=20)


def state_of(browser: Chromium) -> dict[str, Any] | None:
    script = """async () => Object.values(await chrome.storage.session.get(null))
      .find((value) => value?.items && value.state !== 'running') ?? null"""
    return browser.worker.run(script)


def test_the_real_shortcut_and_the_real_menu(
    display: str, open_chromium: Callable[..., Chromium], extension: Path, site: Site, page_of: str
) -> None:
    browser = open_chromium(extension, headless=False, display=display)
    sign_in(browser, site)
    page = browser.open(page_of)
    page.front()
    time.sleep(1)
    at = page.run(
        """() => { const b = document.querySelector('img').getBoundingClientRect();
          return [screenX + b.x + 60, screenY + outerHeight - innerHeight + b.y + 60].map(Math.round); }"""
    )
    press(display, "mousemove", str(at[0]), str(at[1] + 200), "click", "1")
    press(display, "key", "alt+shift+l")
    scan = until(lambda: state_of(browser), "the shortcut's scan", 20)
    assert verdicts(scan) == {"known.jpg": "ours"}

    browser.worker.run(
        """async () => chrome.storage.session.remove(
          Object.keys(await chrome.storage.session.get(null)).filter((key) => key.startsWith('scan:')))"""
    )
    press(display, "mousemove", str(at[0]), str(at[1]), "click", "3")
    time.sleep(1)
    press(display, "key", "Up", "Up")  # from below: the browser's own "Inspect" is last, the extension's entry above it
    time.sleep(0.5)
    press(display, "key", "Return")
    scan = until(lambda: state_of(browser), "the menu's check", 20)
    assert verdicts(scan) == {"known.jpg": "ours"}
