/**
 * Contact sheets, from this side: have one laid, capture it, make sure that the capture shows that very sheet, cut and hash.
 *
 * Under load a capture may show the page as it was before: read unchecked, that is a silent "not ours". Each sheet
 * therefore carries a nonce of three random colours, which must be found in the capture. It is painted twice, by style and
 * by a canvas: where only the first is there, canvases do not paint, and the sheet is laid anew with image elements.
 */
import { pause } from "./browser.js";
import { capture } from "./capture.js";
import { cut } from "./picture.js";
import { hashOfTile } from "./tile.js";

export const TILE = 96; // device px
const SWATCH = 8;
export const SIGNATURE = 2 * SWATCH; // px at the top that the nonce takes
const COLOURS = 3;
const TOLERANCE = 8; // levels; a display's profile may shift a colour a little
const ATTEMPTS = 10;
const UNPAINTED = 2; // captures without the canvas' half until canvases are given up

/** The page would not show the sheet. */
export class NotShown extends Error {}

/**
 * @typedef {object} Tile
 * @property {string} pdq
 * @property {number} quality
 * @property {ImageData} pixels
 */

/**
 * @typedef {object} Sheet
 * @property {Map<number, Tile>} tiles By the item's id.
 * @property {number[]} late Not loaded yet.
 * @property {number[]} failed What cannot be drawn.
 * @property {number} attempts Captures that were needed.
 */

/** @param {import("./tab.js").View} view @param {number} [tile] How many pictures one sheet holds. */
export function room(view, tile = TILE) {
  const columns = Math.floor((view.width * view.ratio) / tile);
  return columns * Math.floor((view.height * view.ratio) / tile) - 1;
}

/**
 * Hash some of a page's pictures.
 *
 * @param {import("./tab.js").Page} page
 * @param {number[]} ids At most `room(view)`.
 * @param {{ patience: number, tile?: number }} wish
 * @returns {Promise<Sheet>}
 */
export async function hashSheet(page, ids, { patience, tile = TILE }) {
  const { laid, shot, attempts } = await shown(page, (nonce, view, plain) => {
    const columns = Math.max(1, Math.floor((view.width * view.ratio) / tile));
    return page.ask("lay", { order: { ids, tile, nonce, columns, patience, plain } });
  });
  /** @type {Map<number, Tile>} */
  const tiles = new Map();
  for (const [id, cell] of Object.entries(laid.cells)) {
    const { x, y } = /** @type {{ x: number, y: number }} */ (cell);
    const box = { x, y, width: tile, height: tile };
    if (x + tile > shot.width || y + tile > shot.height) {
      laid.late.push(Number(id)); // the window was made smaller: there is room on the next sheet
      continue;
    }
    const pixels = cut(shot, box);
    const [width, height] = laid.sizes[id];
    tiles.set(Number(id), { ...hashOfTile(pixels, { width, height }), pixels });
  }
  shot.close();
  return { tiles, late: laid.late, failed: laid.failed, attempts };
}

/**
 * Have something shown with a nonce until a capture proves it, and take it away again.
 *
 * @param {import("./tab.js").Page} page
 * @param {(nonce: string[], view: import("./tab.js").View, plain: boolean) => Promise<any>} lay
 */
export async function shown(page, lay) {
  try {
    let laid = null;
    let unpainted = 0;
    /** @type {number[][]} */
    let colours = [];
    for (let attempts = 1; attempts <= ATTEMPTS; attempts += 1) {
      const now = await page.ask("view");
      if (!laid || now.width !== laid.width || now.height !== laid.height || unpainted === UNPAINTED) {
        colours = Array.from({ length: COLOURS }, () => [...crypto.getRandomValues(new Uint8Array(3))].map((value) => value & 0xf0));
        laid = { ...(await lay(colours.map((colour) => `rgb(${colour})`), now, unpainted >= UNPAINTED)), width: now.width, height: now.height };
      }
      const shot = await capture(page);
      const whole = Math.abs(shot.width - now.width * now.ratio) <= 2; // a panel that opens squeezes the page
      const [styled, drawn] = signatures(shot, colours);
      if (whole && styled && (drawn || !laid.paints)) return { laid, shot, attempts };
      if (whole && styled) unpainted += 1;
      shot.close();
      if (attempts > 2) await pause(150 * attempts);
    }
    throw new NotShown();
  } finally {
    await page.ask("lift").catch(() => undefined); // the page may be gone
  }
}

/** @param {ImageBitmap} shot @param {number[][]} colours @returns {boolean[]} Whether the nonce is there as painted by style, and by a canvas. */
function signatures(shot, colours) {
  const corner = cut(shot, { x: 0, y: 0, width: COLOURS * SWATCH, height: 2 * SWATCH });
  return [SWATCH / 2, SWATCH * 1.5].map((y) =>
    colours.every((colour, at) => {
      const start = (y * corner.width + at * SWATCH + SWATCH / 2) * 4;
      return colour.every((value, channel) => Math.abs(corner.data[start + channel] - value) <= TOLERANCE);
    }),
  );
}
