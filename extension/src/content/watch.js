/**
 * Watch mode: tell the extension of pictures as they come into view, on sites that the user chose. The page is told
 * nothing, and the extension answers only to draw a badge.
 */
(() => {
  const own = (globalThis.telltale ??= {});
  if (own.watch) return;

  const GATHER_MS = 400;
  const LEAST_SIDE = 96;

  /** @type {Set<string>} */
  const told = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  const altered = new MutationObserver(() => later());
  const later = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      tell();
    }, GATHER_MS);
  };

  function tell() {
    const found = own.find?.collect({ least: LEAST_SIDE }) ?? [];
    const fresh = found.filter(({ id, urls, seen, kind }) => seen && kind !== "frame" && kind !== "canvas" && !told.has(`${id} ${urls[0]}`));
    if (!fresh.length) return;
    for (const { id, urls } of fresh) told.add(`${id} ${urls[0]}`);
    void chrome.runtime.sendMessage({ ask: "appeared", found: fresh }).catch(end); // the extension was updated or removed
  }

  function begin() {
    altered.observe(document.documentElement, { subtree: true, childList: true, attributes: true, attributeFilter: ["src", "srcset", "style", "class", "data-src"] });
    addEventListener("scroll", later, { capture: true, passive: true });
    addEventListener("load", later, true);
    tell();
  }

  function end() {
    altered.disconnect();
    removeEventListener("scroll", later, { capture: true });
    removeEventListener("load", later, true);
  }

  own.watch = { begin, end };
})();
