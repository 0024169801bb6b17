/**
 * Verdicts on their pictures. A badge follows its picture through scrolling, resizing and layout, is hidden while the
 * picture is, and is replaced, never doubled, by the next scan. It says whether a picture is ours and nothing else: who
 * received a copy is for the panel.
 */
(() => {
  const own = (globalThis.telltale ??= {});
  if (own.badges) return;

  const INSET = 8; // px from the picture's corner
  const AWAKE_MS = 1200; // how long to follow every frame after something stirred
  const DOZE_MS = 1000;
  const STIRRING = ["scroll", "resize", "transitionrun", "animationstart", "pointerdown", "wheel", "keydown", "load", "toggle", "fullscreenchange"];

  const host = document.createElement("telltale-badges");
  const root = host.attachShadow({ mode: "closed" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host { all: initial !important; position: fixed !important; inset: 0 !important; width: auto !important; height: auto !important;
      margin: 0 !important; border: 0 !important; padding: 0 !important; background: transparent !important; overflow: hidden !important;
      pointer-events: none !important; z-index: 2147483646 !important; display: block !important; }
    .badge { position: absolute; left: 0; top: 0; max-width: 20em; box-sizing: border-box; display: flex; align-items: center; gap: 6px;
      font: 600 13px/1.25 system-ui, sans-serif; padding: 4px 10px; border-radius: 999px; color: #fff; background: #3a3f3a;
      box-shadow: 0 0 0 1.5px #fff, 0 1px 6px rgb(0 0 0 / .45); pointer-events: auto; overflow: hidden; white-space: nowrap; }
    .badge[data-verdict="ours"] { background: #a3261c; }
    .badge[data-verdict="candidate"] { background: #7a4b00; }
    .badge[data-verdict="not_ours"] { background: #17594a; }
    .badge[data-small] { width: 22px; height: 22px; padding: 0; justify-content: center; }
    .badge[data-small] .text { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
    .ring { position: absolute; left: 0; top: 0; box-sizing: border-box; border: 3px solid #a3261c; border-radius: 6px; pointer-events: none;
      box-shadow: inset 0 0 0 1.5px #fff; }
    .ring[data-verdict="candidate"] { border-color: #7a4b00; border-style: dashed; }
    [hidden] { display: none !important; }
    @media (prefers-reduced-motion: no-preference) { .badge { animation: come .18s ease-out; } @keyframes come { from { opacity: 0; } } }
    @media (forced-colors: active) { .badge { border: 1px solid CanvasText; } }
    @media print { :host { display: none !important; } }`);
  root.adoptedStyleSheets = [sheet];

  const SIGNS = /** @type {Record<string, string>} */ ({ ours: "●", candidate: "◐", not_ours: "✓", unreadable: "?" });
  const SMALL = new Set(["not_ours", "unreadable"]);

  /** @typedef {{ badge: HTMLElement, ring: HTMLElement | null, element: Element, at: string, hidden: boolean }} Held */
  /** @type {Map<number, Held>} */
  const held = new Map();
  let frame = 0;
  let awakeUntil = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let doze;

  const seen = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting } of changes) {
      for (const one of held.values()) if (one.element === target) one.hidden = !isIntersecting;
    }
    stir();
  });
  const grown = new ResizeObserver(() => stir());
  const altered = new MutationObserver(() => stir());

  function stir() {
    awakeUntil = performance.now() + AWAKE_MS;
    if (!frame && held.size) frame = requestAnimationFrame(follow);
  }

  function follow() {
    frame = 0;
    for (const one of held.values()) put(one);
    if (performance.now() < awakeUntil && held.size) frame = requestAnimationFrame(follow);
  }

  /** @param {Held} one */
  function put(one) {
    const { x, y, width, height } = /** @type {any} */ (own.find).box(one.element);
    const gone = one.hidden || !one.element.isConnected || width < 1 || height < 1;
    const at = gone ? "" : [x, y, width, height].map((value) => Math.round(value * 4) / 4).join(" ");
    if (at === one.at) return;
    one.at = at;
    one.badge.hidden = gone;
    if (one.ring) one.ring.hidden = gone;
    if (gone) return;
    one.badge.style.transform = `translate(${x + INSET}px, ${y + INSET}px)`;
    one.badge.style.maxWidth = `${Math.max(22, width - 2 * INSET)}px`;
    if (!one.ring) return;
    one.ring.style.transform = `translate(${x}px, ${y}px)`;
    Object.assign(one.ring.style, { width: `${width}px`, height: `${height}px` });
  }

  function raise() {
    if (!host.isConnected) document.documentElement.append(host);
    try {
      host.popover = "manual";
      if (host.matches(":popover-open")) host.hidePopover(); // whatever was opened since lies above
      host.showPopover();
    } catch {
      // the browser has no top layer for it; the z-index has to do
    }
  }

  /** @param {BadgeOrder[]} badges Added to those that are there; the same picture's badge is replaced. @param {BadgeTexts} texts */
  function set(badges, texts) {
    host.setAttribute("role", "group");
    host.setAttribute("aria-label", texts.dismiss);
    for (const order of badges) {
      remove(order.id);
      const element = own.find?.entry(order.id)?.element;
      if (!element?.isConnected) continue;
      const one = { badge: badgeOf(order), ring: ringOf(order), element, at: "?", hidden: false };
      held.set(order.id, one);
      root.append(...[one.ring, one.badge].filter((part) => part !== null));
      seen.observe(element);
      grown.observe(element);
      put(one);
    }
    raise();
    watch();
    stir();
  }

  /** @param {BadgeOrder} order */
  function badgeOf({ verdict, text }) {
    const badge = document.createElement("div");
    badge.className = "badge";
    badge.dataset.verdict = verdict;
    badge.setAttribute("role", "img");
    badge.setAttribute("aria-label", text);
    badge.title = text;
    if (SMALL.has(verdict)) badge.dataset.small = "";
    const [sign, words] = [document.createElement("span"), document.createElement("span")];
    sign.textContent = SIGNS[verdict] ?? "?";
    words.textContent = text;
    words.className = "text";
    badge.append(sign, words);
    return badge;
  }

  /** @param {BadgeOrder} order */
  function ringOf({ verdict }) {
    if (SMALL.has(verdict)) return null;
    const ring = document.createElement("div");
    ring.className = "ring";
    ring.dataset.verdict = verdict;
    return ring;
  }

  /** @param {number} id */
  function remove(id) {
    const one = held.get(id);
    if (!one) return;
    one.badge.remove();
    one.ring?.remove();
    held.delete(id);
    if ([...held.values()].some(({ element }) => element === one.element)) return;
    seen.unobserve(one.element);
    grown.unobserve(one.element);
  }

  function watch() {
    if (doze) return;
    for (const kind of STIRRING) addEventListener(kind, stir, { capture: true, passive: true });
    addEventListener("keydown", leave, true);
    grown.observe(document.documentElement);
    altered.observe(document.documentElement, { subtree: true, childList: true, attributes: true, attributeFilter: ["class", "style", "hidden", "open", "src"] });
    doze = setInterval(() => document.visibilityState === "visible" && follow(), DOZE_MS);
  }

  function clear() {
    for (const id of [...held.keys()]) remove(id);
    clearInterval(doze);
    doze = undefined;
    for (const kind of STIRRING) removeEventListener(kind, stir, { capture: true });
    removeEventListener("keydown", leave, true);
    grown.disconnect();
    altered.disconnect();
    seen.disconnect();
    host.remove();
  }

  /** @param {KeyboardEvent} event */
  function leave(event) {
    if (event.key === "Escape" && event.isTrusted) clear();
  }

  function boxes() {
    /** @type {Record<number, Box>} */
    const out = {};
    for (const [id, { badge }] of held) {
      const { x, y, width, height } = badge.getBoundingClientRect();
      out[id] = { x, y, width, height };
    }
    return out;
  }

  own.badges = { set, clear, boxes };
})();
