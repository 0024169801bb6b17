"""Watch mode: on sites that were chosen, with the permissions given, quiet unless it is ours; and who may speak."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import jpeg

from benchmarks.browsers.chromium import Chromium
from benchmarks.browsers.site import Web
from extension.conftest import Site, built, sign_in

pytestmark = pytest.mark.browser


def test_a_watched_site_tells_of_ours_alone(
    open_chromium: Callable[..., Chromium], site: Site, web: Web, tmp_path: Path
) -> None:
    from skimage import data

    ours, other = jpeg(np.asarray(data.rocket())), jpeg(np.asarray(data.coffee()))
    site.stock({"rocket": ours})
    for name, picture in (("ours", ours), ("other", other), ("later", ours)):
        web.put(f"/{name}.jpg", picture, "image/jpeg")
    web.put("/hidden.jpg", ours, "image/jpeg", host="cdn.test")
    browser = open_chromium(built(tmp_path / "watching", site.url, permissions=("http://site.test/*",)))
    sign_in(browser, site)
    options = browser.own("src/ui/options.html")
    options.run("async () => { await chrome.storage.local.set({ watch: ['site.test'] }); }")
    options.run("async () => chrome.runtime.sendMessage({ ask: 'watched' })")
    addresses = ("/ours.jpg", "/other.jpg", web.url("/hidden.jpg", "cdn.test"))
    html = "".join(f"<img width=200 src={address}>" for address in addresses)
    page = browser.open(web.put("/feed.html", html))
    tab = int(browser.tab_of(page)["id"])
    badges = "async (tab) => Object.keys((await chrome.tabs.sendMessage(tab, { ask: 'badgeBoxes' })).value).length"
    browser.worker.until(f"async (tab) => (await ({badges})(tab)) === 1", tab)
    page.run("() => { document.body.insertAdjacentHTML('beforeend', '<img width=200 src=/later.jpg>'); }")
    browser.worker.until(f"async (tab) => (await ({badges})(tab)) === 2", tab)
    scan = browser.worker.run("async (tab) => (await chrome.storage.session.get(`scan:${tab}`))[`scan:${tab}`]", tab)
    told = {item["urls"][0].rsplit("/", 1)[1]: (item["verdict"], item.get("needs")) for item in scan["items"]}
    assert told == {
        "ours.jpg": ("ours", None),
        "other.jpg": ("not_ours", None),
        "later.jpg": ("ours", None),
        "hidden.jpg": ("unreadable", web.url("", "cdn.test")),
    }
    elsewhere = browser.open(web.put("/feed.html", html, host="other.test"))
    assert not elsewhere.run("() => document.querySelector('telltale-badges') !== null")


def test_a_content_script_is_not_believed(chromium: Chromium, web: Web) -> None:
    page = chromium.open(web.put("/p.html", "<p>nothing here</p>"))
    tab = chromium.click_toolbar(page)
    chromium.scanned(tab)
    script = """async (tab) => (await chrome.scripting.executeScript({ target: { tabId: tab }, func: async () => {
      const asks = [{ ask: 'lookUp', hashes: [] }, { ask: 'signOut' }, { ask: 'appeared', found: [] }];
      const answers = asks.map((one) => chrome.runtime.sendMessage(one).catch((error) => String(error)));
      return JSON.stringify(await Promise.all(answers));
    } }))[0].result"""
    answers = chromium.worker.run(script, tab)
    assert "value" not in answers.replace('{"value":null}', ""), answers
    held = chromium.worker.run("async () => Boolean((await chrome.storage.session.get('credentials')).credentials)")
    assert held, "nobody was signed out"
