/**
 * Choosing a rectangle of the page, by mouse, finger or keyboard: for players, WebGL, and anything no scan can read.
 *
 * Arrow keys move the rectangle, with Shift they change its size, Enter takes it, Escape gives up.
 */
(() => {
  const own = (globalThis.telltale ??= {});
  if (own.region) return;

  const STEP = 10;
  const LEAST = 24;
  const STYLE = `
    :host { all: initial !important; position: fixed !important; inset: 0 !important; width: 100vw !important; height: 100vh !important; margin: 0 !important;
      border: 0 !important; padding: 0 !important; max-width: none !important; max-height: none !important; background: transparent !important;
      overflow: hidden !important; z-index: 2147483647 !important; display: block !important; cursor: crosshair !important; }
    .frame { position: absolute; box-sizing: border-box; border: 2px solid #ffb454; outline: 2px solid #17594a; box-shadow: 0 0 0 9999px rgb(0 0 0 / .45); }
    .frame:focus-visible { outline: 4px solid #1b64d8; }
    .help { position: absolute; left: 50%; bottom: 24px; transform: translateX(-50%); max-width: calc(100vw - 32px); box-sizing: border-box; padding: 10px 16px; border-radius: 10px;
      background: #1d1f1c; color: #fff; font: 500 14px/1.4 system-ui, sans-serif; box-shadow: 0 0 0 1px #fff6; }`;

  /** @param {Record<string, string>} texts @returns {Promise<Region | null>} */
  function pick(texts) {
    const host = document.createElement("telltale-region");
    const root = host.attachShadow({ mode: "closed" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    const frame = document.createElement("div");
    frame.className = "frame";
    frame.tabIndex = 0;
    frame.setAttribute("role", "application");
    frame.setAttribute("aria-label", texts.help);
    const help = document.createElement("div");
    help.className = "help";
    help.textContent = texts.help;
    const told = document.createElement("div");
    told.setAttribute("aria-live", "polite");
    told.style.cssText = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)";
    root.append(frame, help, told);

    const box = { x: innerWidth / 4, y: innerHeight / 4, width: innerWidth / 2, height: innerHeight / 2 };
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    /** @type {{ x: number, y: number } | null} */
    let from = null;

    const draw = () => {
      box.width = Math.min(Math.max(LEAST, box.width), innerWidth);
      box.height = Math.min(Math.max(LEAST, box.height), innerHeight);
      box.x = Math.min(Math.max(0, box.x), innerWidth - box.width);
      box.y = Math.min(Math.max(0, box.y), innerHeight - box.height);
      Object.assign(frame.style, { left: `${box.x}px`, top: `${box.y}px`, width: `${box.width}px`, height: `${box.height}px` });
    };

    document.documentElement.append(host);
    try {
      host.popover = "manual";
      host.showPopover();
    } catch {
      // the z-index has to do
    }
    draw();
    frame.focus();

    return new Promise((done) => {
      /** @param {Region | null} value */
      const end = (value) => {
        removeEventListener("keydown", key, true);
        host.remove();
        before?.focus?.();
        requestAnimationFrame(() => requestAnimationFrame(() => done(value)));
      };
      const take = () => end({ ...box, ratio: devicePixelRatio, viewWidth: innerWidth });
      /** @param {KeyboardEvent} event */
      const key = (event) => {
        const moves = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] });
        const move = moves[event.key];
        if (event.key === "Escape") end(null);
        else if (event.key === "Enter") take();
        else if (move && event.shiftKey) [box.width, box.height] = [box.width + STEP * move[0], box.height + STEP * move[1]];
        else if (move) [box.x, box.y] = [box.x + STEP * move[0], box.y + STEP * move[1]];
        else return;
        event.preventDefault();
        event.stopImmediatePropagation();
        draw();
        told.textContent = `${Math.round(box.width)} × ${Math.round(box.height)}`;
      };
      addEventListener("keydown", key, true);
      host.addEventListener("pointerdown", (event) => {
        from = { x: event.clientX, y: event.clientY };
        host.setPointerCapture(event.pointerId);
        event.preventDefault();
      });
      host.addEventListener("pointermove", (event) => {
        if (!from) return;
        [box.x, box.y] = [Math.min(from.x, event.clientX), Math.min(from.y, event.clientY)];
        [box.width, box.height] = [Math.abs(from.x - event.clientX), Math.abs(from.y - event.clientY)];
        draw();
      });
      host.addEventListener("pointerup", (event) => {
        if (from && Math.hypot(event.clientX - from.x, event.clientY - from.y) >= LEAST) take();
        from = null;
      });
    });
  }

  own.region = { pick };
})();
