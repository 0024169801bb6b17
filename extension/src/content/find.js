/**
 * Find what a page shows: every kind of picture, in shadow roots and same-origin frames too, each with its addresses.
 *
 * Runs in the extension's isolated world of the page. It sends nothing anywhere.
 */
(() => {
  const own = (globalThis.telltale ??= {});
  if (own.find) return;

  const LEAST_SIDE = 48; // px on screen; below are icons and tracking pixels
  const LAZY = ["data-src", "data-original", "data-lazy-src", "data-lazy", "data-full", "data-hi-res-src", "data-image"];
  const LAZY_SETS = ["data-srcset", "data-lazy-srcset"];
  const PSEUDO = ["::before", "::after"];
  const QUIET_MS = 90;
  const MOST_WAIT_MS = 700;

  /** @type {Map<number, Entry>} */
  const entries = new Map();
  /** @type {WeakMap<Element, Map<string, number>>} */
  const known = new WeakMap();
  let last = 0;

  /** @param {Element} element @returns {ShadowRoot | null} */
  function shadow(element) {
    const any = /** @type {any} */ (element);
    try {
      return globalThis.chrome?.dom?.openOrClosedShadowRoot?.(any) ?? any.openOrClosedShadowRoot ?? element.shadowRoot;
    } catch {
      return element.shadowRoot; // the browser refuses for elements that cannot have one
    }
  }

  /** @param {Document | ShadowRoot} top @returns {Generator<Element>} */
  function* walk(top) {
    for (const element of top.querySelectorAll("*")) {
      yield element;
      const inner = shadow(element);
      if (inner) yield* walk(inner);
      const frame = element.localName === "iframe" || element.localName === "frame" ? inside(element) : null;
      if (frame) yield* walk(frame);
    }
  }

  /** @param {Element} frame @returns {Document | null} */
  function inside(frame) {
    try {
      return /** @type {HTMLIFrameElement} */ (frame).contentDocument;
    } catch {
      return null;
    }
  }

  /** @param {string | null | undefined} url @param {Element} element */
  function absolute(url, element) {
    try {
      return url ? new URL(url, element.baseURI).href : null;
    } catch {
      return null;
    }
  }

  /** @param {string | null | undefined} set @returns {string[]} Largest first. */
  function candidates(set) {
    const parts = (set ?? "").split(/,\s+/).map((part) => part.trim().split(/\s+/));
    const sized = parts.map(([url, size = "1x"]) => ({ url, size: parseFloat(size) || 1 }));
    return sized.filter(({ url }) => url).sort((a, b) => b.size - a.size).map(({ url }) => url);
  }

  /** @param {Element} element @param {string | null} pseudo @returns {string[]} */
  function painted(element, pseudo) {
    const style = getComputedStyle(element, pseudo);
    const text = `${style.backgroundImage} ${style.content} ${style.borderImageSource} ${style.listStyleImage}`;
    return text.includes("url(") ? [...text.matchAll(/url\("((?:[^"\\]|\\.)*)"\)/g)].map((match) => match[1]) : [];
  }

  /** @param {HTMLImageElement} image Whether it shows a stand-in until its script has loaded the real one. */
  function isStandIn(image) {
    const lazy = [...LAZY, ...LAZY_SETS].some((name) => image.hasAttribute(name));
    if (!image.complete || image.naturalWidth <= 2) return true;
    const width = image.getBoundingClientRect().width;
    return lazy && (image.currentSrc.startsWith("data:") || image.naturalWidth * 3 < width);
  }

  /** @param {Element} element @returns {string[]} Its addresses, the best first. */
  function addresses(element) {
    const get = (/** @type {string} */ name) => element.getAttribute(name);
    if (element.localName === "img") {
      const image = /** @type {HTMLImageElement} */ (element);
      const parent = image.parentElement;
      const sources = parent?.localName === "picture" ? [...parent.querySelectorAll("source")] : [];
      const sets = [...sources.map((one) => one.srcset || one.getAttribute("data-srcset")), image.srcset];
      const lazy = [...LAZY_SETS.flatMap((name) => candidates(get(name))), ...LAZY.map(get)];
      const shown = [image.currentSrc, ...sets.flatMap(candidates), image.src];
      return isStandIn(image) ? pick([...lazy, ...shown], image) : pick(shown, image);
    }
    if (element.localName === "video") return pick([get("poster")], element);
    if (element.localName === "image") return pick([get("href"), get("xlink:href")], element);
    if (element.localName === "input" && get("type") === "image") return pick([get("src")], element);
    if (element.localName === "object") return pick([get("data")], element);
    if (element.localName === "embed") return pick([get("src")], element);
    return [];
  }

  /** @param {(string | null | undefined)[]} urls @param {Element} element */
  function pick(urls, element) {
    const whole = urls.map((url) => absolute(url, element));
    return [...new Set(whole.filter((url) => url !== null))];
  }

  /** @param {Element} element @returns {Box} In the top document's view. */
  function box(element) {
    const { x, y, width, height } = element.getBoundingClientRect();
    const at = { x, y, width, height };
    let view = element.ownerDocument.defaultView;
    while (view && view !== window && view.frameElement) {
      const frame = view.frameElement.getBoundingClientRect();
      at.x += frame.x + view.frameElement.clientLeft;
      at.y += frame.y + view.frameElement.clientTop;
      view = /** @type {Window & typeof globalThis} */ (view.parent);
    }
    return at;
  }

  /** @param {Element} element @param {string} kind @param {string[]} urls */
  function remember(element, kind, urls) {
    const ids = known.get(element) ?? new Map();
    known.set(element, ids);
    const id = ids.get(kind) ?? (last += 1);
    ids.set(kind, id);
    const before = entries.get(id);
    const image = before?.urls[0] === urls[0] ? before?.image : undefined;
    entries.set(id, { element, urls, kind, pseudo: kind === "pseudo", image });
    return id;
  }

  const NAMES = /** @type {Record<string, string>} */ ({
    img: "picture", image: "picture", input: "picture", object: "picture", embed: "picture", video: "video", canvas: "canvas",
  });

  /** @param {Element} element @returns {Generator<[kind: string, urls: string[]]>} */
  function* shownBy(element) {
    const name = NAMES[element.localName];
    const urls = addresses(element);
    if (element.localName === "iframe" && !inside(element)) yield ["frame", pick([element.getAttribute("src")], element)];
    else if (name && (urls.length || name !== "picture")) yield [name, urls];
    if (name === "picture" && urls.length) return;
    const painting = pick(painted(element, null), element);
    if (painting.length) yield ["background", painting];
    const around = pick(PSEUDO.flatMap((pseudo) => painted(element, pseudo)), element);
    if (around.length) yield ["pseudo", around];
  }

  /** @param {Wish} wish @returns {Found[]} In the order in which they are worth looking at: what is in view first. */
  function collect({ source: wanted, link, least = LEAST_SIDE }) {
    const found = [];
    for (const element of walk(document)) {
      const at = element.getBoundingClientRect();
      if ((at.width < least || at.height < least) && !wanted && !link) continue;
      if (at.width < 1 || at.height < 1) continue;
      if (link && /** @type {HTMLAnchorElement | null} */ (element.closest("a[href]"))?.href !== link) continue;
      for (const [kind, urls] of shownBy(element)) {
        const here = /** @type {HTMLVideoElement} */ (element);
        if (wanted && !urls.includes(wanted) && here.currentSrc !== wanted && here.src !== wanted) continue;
        found.push(described(remember(element, kind, urls), element, kind, urls));
      }
    }
    return found.sort((a, b) => Number(b.seen) - Number(a.seen));
  }

  /** @param {number} id @param {Element} element @param {string} kind @param {string[]} urls @returns {Found} */
  function described(id, element, kind, urls) {
    const at = box(element);
    const media = /** @type {any} */ (element);
    return {
      id,
      kind,
      urls: urls.map((url) => (url.length > 2000 ? url.slice(0, 40) : url)),
      box: at,
      seen: at.x < innerWidth && at.y < innerHeight && at.x + at.width > 0 && at.y + at.height > 0,
      name: element.getAttribute("alt") || element.getAttribute("aria-label") || element.getAttribute("title") || "",
      width: media.videoWidth || media.naturalWidth || (kind === "canvas" && media.width) || 0,
      height: media.videoHeight || media.naturalHeight || (kind === "canvas" && media.height) || 0,
      origin: kind === "frame" && urls[0] ? new URL(urls[0]).origin : undefined,
      ...post(element),
    };
  }

  /** @param {Element} element The post it belongs to, where the page marks one. */
  function post(element) {
    const article = element.closest("article, [role=article], [itemtype*=SocialMediaPosting], .h-entry");
    if (!article) return {};
    const stamp = article.querySelector("a[href] time, time a[href], a[rel~=bookmark], a.u-url")?.closest("a");
    const author = article.querySelector("[rel~=author], [itemprop=author], .p-author, .p-nickname");
    const handle = author?.textContent?.match(/@[\w.-]{1,60}/) ?? article.textContent?.match(/@[\w.-]{2,60}/);
    return { permalink: stamp?.href, account: handle?.[0] ?? (author?.textContent?.trim().slice(0, 100) || undefined) };
  }

  /** @returns {PageDetails} */
  function details() {
    const meta = (/** @type {string} */ name) =>
      document.querySelector(`meta[property="${name}"], meta[name="${name}"]`)?.getAttribute("content")?.trim() || null;
    const canonical = document.querySelector("link[rel=canonical]")?.getAttribute("href");
    return {
      title: document.title.slice(0, 500),
      permalink: absolute(canonical ?? meta("og:url"), document.documentElement),
      account: meta("article:author") ?? meta("twitter:creator") ?? meta("author"),
      language: document.documentElement.lang,
    };
  }

  /** @param {number} id @param {number} patience How long to wait for what is not loaded yet, in ms. @returns {Promise<Drawable>} */
  async function source(id, patience) {
    const entry = entries.get(id);
    if (!entry) throw new Error("gone");
    const { element, urls, kind } = entry;
    if (kind === "canvas") return /** @type {HTMLCanvasElement} */ (element);
    if (kind === "video" && /** @type {HTMLVideoElement} */ (element).readyState >= 2) return /** @type {HTMLVideoElement} */ (element);
    if (element.localName === "image") return /** @type {SVGImageElement} */ (element);
    const image = /** @type {HTMLImageElement} */ (element);
    if (element.localName === "img" && !isStandIn(image)) return image;
    const loaded = entry.image ?? (await first(urls, patience));
    entry.image = loaded;
    return loaded;
  }

  /** @param {string[]} urls @param {number} patience @returns {Promise<HTMLImageElement>} */
  async function first(urls, patience) {
    for (const url of urls) {
      const image = new Image();
      image.src = url;
      try {
        await within(image.decode(), patience);
        return image;
      } catch (error) {
        if (error instanceof Error && error.message === "late") throw error;
      }
    }
    throw new Error("unloadable");
  }

  /** @template T @param {Promise<T>} promise @param {number} patience @returns {Promise<T>} */
  function within(promise, patience) {
    const late = new Promise((_, fail) => setTimeout(() => fail(new Error("late")), patience));
    return Promise.race([promise, /** @type {Promise<never>} */ (late)]);
  }

  /** Resolve when the view has kept its size for a moment: a panel that opens squeezes the page. */
  function settled() {
    return new Promise((/** @type {(value: void) => void} */ done) => {
      const begun = performance.now();
      let [size, since] = ["", begun];
      const look = () => {
        const now = `${innerWidth}×${innerHeight}`;
        if (now !== size) [size, since] = [now, performance.now()];
        if (performance.now() - since >= QUIET_MS || performance.now() - begun >= MOST_WAIT_MS) done();
        else setTimeout(look, 15);
      };
      look();
    });
  }

  own.find = { collect, entry: (id) => entries.get(id), source, box, settled, details };
})();
