/**
 * The contact sheet: every picture drawn on a small tile over the page, so that one capture of the tab shows them all.
 *
 * A canvas may display what it may not export, so this needs no permission for the pictures' hosts and, for what is
 * loaded already, no request. The first cell carries a nonce twice, painted by style and painted by a canvas: a capture
 * that lacks it was taken before the sheet was on screen, and must not be read. Where the page's `sandbox` policy keeps
 * canvases from painting, the tiles are image elements instead.
 */
(() => {
  const own = (globalThis.telltale ??= {});
  if (own.sheet) return;

  const SWATCH = 8; // device px
  const LARGEST_STEP = 384; // px; the first of the halvings is drawn no larger: more costs time and wins no bit
  const host = document.createElement("telltale-sheet");
  const paper = host.attachShadow({ mode: "closed" });
  dress(
    paper,
    `:host { all: initial !important; position: fixed !important; inset: 0 !important; width: 100vw !important;
       height: 100vh !important; max-width: none !important; max-height: none !important; margin: 0 !important; border: 0 !important;
       padding: 0 !important; overflow: hidden !important; background: #fff !important; display: block !important;
       z-index: 2147483647 !important; pointer-events: none !important; color-scheme: light !important; }
     canvas, img, div, i { position: absolute; display: block; margin: 0; border: 0; padding: 0; max-width: none; }
     div { background-size: 100% 100%; background-repeat: no-repeat; }`,
  );

  /** A page's `style-src` forbids style elements; a constructed sheet is not subject to it. @param {ShadowRoot} root @param {string} text */
  function dress(root, text) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    root.adoptedStyleSheets = [sheet];
  }

  const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));

  /** Put the sheet above everything, dialogs and full screen included. */
  function raise() {
    if (!host.isConnected) document.documentElement.append(host);
    try {
      host.popover = "manual";
      if (!host.matches(":popover-open")) host.showPopover();
    } catch {
      // the browser has no top layer for it; the z-index has to do
    }
  }

  /** @param {HTMLElement} element @param {number} x @param {number} y @param {number} width @param {number} height In device px. */
  function place(element, x, y, width, height) {
    const ratio = devicePixelRatio;
    Object.assign(element.style, {
      left: `${x / ratio}px`,
      top: `${y / ratio}px`,
      width: `${width / ratio}px`,
      height: `${height / ratio}px`,
    });
    paper.append(element);
  }

  /** Whether canvases paint here. Without scripts they render their fallback content, which has no size of its own. */
  function paints() {
    raise();
    const probe = document.createElement("canvas");
    [probe.width, probe.height] = [7, 7];
    paper.append(probe);
    const { width } = probe.getBoundingClientRect();
    probe.remove();
    return Math.round(width) === 7;
  }

  /** @param {string[]} nonce Three colours. @param {boolean} canvases */
  function sign(nonce, canvases) {
    const pad = document.createElement("canvas");
    [pad.width, pad.height] = [nonce.length * SWATCH, SWATCH];
    const pen = pad.getContext("2d");
    nonce.forEach((colour, at) => {
      const swatch = document.createElement("i");
      swatch.style.background = colour;
      place(swatch, at * SWATCH, 0, SWATCH, SWATCH);
      if (pen) pen.fillStyle = colour;
      pen?.fillRect(at * SWATCH, 0, SWATCH, SWATCH);
    });
    if (canvases) place(pad, 0, SWATCH, pad.width, SWATCH);
  }

  /** @param {Drawable} source @returns {[number, number]} */
  function sizeOf(source) {
    const any = /** @type {any} */ (source);
    if (source instanceof SVGImageElement || source.localName === "image") {
      const { width, height } = source.getBoundingClientRect();
      return [width, height];
    }
    return [any.videoWidth || any.naturalWidth || any.width, any.videoHeight || any.naturalHeight || any.height];
  }

  /**
   * Shrink by halves: each halving is the mean of two by two, where one large step would skip pixels.
   *
   * @param {Drawable} source
   * @param {number} tile
   */
  function shrunk(source, tile) {
    const largest = Math.min(LARGEST_STEP, Math.max(...sizeOf(source)));
    let side = tile;
    while (side < largest) side *= 2;
    let canvas = drawn(source, side);
    for (; side > tile; canvas = drawn(canvas, side)) side /= 2;
    return canvas;
  }

  /** @param {CanvasImageSource} source @param {number} side */
  function drawn(source, side) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [side, side];
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    pen.fillStyle = "#fff"; // what is transparent is shown on white, as the service decodes it
    pen.fillRect(0, 0, side, side);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(source, 0, 0, side, side);
    return canvas;
  }

  /** @param {number} id @param {Drawable} source @param {number} tile @param {boolean} canvases @returns {HTMLElement} */
  function tileOf(id, source, tile, canvases) {
    if (canvases) return shrunk(source, tile);
    const url = /** @type {any} */ (source).currentSrc || own.find?.entry(id)?.urls[0];
    if (!url || source.localName === "video" || source.localName === "canvas") throw new Error("unpaintable");
    const image = new Image();
    image.src = url;
    return image;
  }

  /** @param {SheetOrder} order @returns {Promise<SheetLaid>} */
  async function lay({ ids, tile, nonce, columns, patience, plain }) {
    const canvases = !plain && paints();
    paper.replaceChildren();
    /** @type {Record<number, { x: number, y: number }>} */
    const cells = {};
    /** @type {Record<number, [number, number]>} */
    const sizes = {};
    /** @type {number[]} */
    const late = [];
    /** @type {number[]} */
    const failed = [];
    const made = await Promise.all(
      ids.map(async (id) => {
        try {
          const source = await /** @type {any} */ (own.find).source(id, patience);
          sizes[id] = sizeOf(source);
          const element = tileOf(id, source, tile, canvases);
          if (element instanceof HTMLImageElement) await element.decode();
          return element;
        } catch (error) {
          (error instanceof Error && error.message === "late" ? late : failed).push(id);
          return null;
        }
      }),
    );
    let cell = 0;
    ids.forEach((id, at) => {
      const element = made[at];
      if (!element) return;
      cell += 1; // the first cell is the nonce's; a tile that is alone lies below it
      const alone = { x: 0, y: 2 * SWATCH };
      cells[id] = ids.length === 1 ? alone : { x: (cell % columns) * tile, y: Math.floor(cell / columns) * tile };
      place(element, cells[id].x, cells[id].y, tile, tile);
    });
    sign(nonce, canvases);
    raise();
    await painted();
    return { cells, sizes, late, failed, paints: canvases, width: innerWidth, height: innerHeight };
  }

  /** Show one picture at a scale of its own pixels, moved, for a capture of a part of it. @param {PanOrder} order @returns {Promise<PanShown>} */
  async function show({ id, x, y, scale, nonce, plain }) {
    const canvases = !plain && paints();
    paper.replaceChildren();
    const source = await /** @type {any} */ (own.find).source(id, 3000);
    const [naturalWidth, naturalHeight] = sizeOf(source);
    const [width, height] = [Math.round(naturalWidth * scale), Math.round(naturalHeight * scale)];
    const view = [Math.floor(innerWidth * devicePixelRatio), Math.floor(innerHeight * devicePixelRatio) - 2 * SWATCH];
    if (canvases) {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [Math.min(view[0], width - x), Math.min(view[1], height - y)];
      const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      pen.imageSmoothingQuality = "high";
      pen.drawImage(source, -x, -y, width, height);
      place(canvas, 0, 2 * SWATCH, canvas.width, canvas.height);
    } else {
      const image = /** @type {HTMLImageElement} */ (tileOf(id, source, 0, false));
      await image.decode();
      place(image, -x, 2 * SWATCH - y, width, height);
    }
    sign(nonce, canvases);
    raise();
    await painted();
    return { wide: width, high: height, viewWidth: view[0], viewHeight: view[1], paints: canvases };
  }

  function lift() {
    if (host.matches?.(":popover-open")) host.hidePopover();
    host.remove();
    paper.replaceChildren();
  }

  own.sheet = { lay, lift, show, paints };
})();
