/**
 * A picture larger than the window, from captures alone: shown at its own pixels, moved under the window, captured piece by
 * piece, and stitched. For hosts that no permission was given for.
 */
import { canvasPen } from "./picture.js";
import { shown, SIGNATURE } from "./sheet.js";

const MOST_PIECES = 30;

/**
 * @param {import("./tab.js").Page} page
 * @param {number} id
 * @param {(done: number, of: number) => void} tell
 * @returns {Promise<{ blob: Blob, pieces: number, scale: number }>}
 */
export async function pan(page, id, tell) {
  const look = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ scale) =>
    shown(page, (nonce, _, plain) => page.ask("show", { order: { id, x, y, scale, nonce, plain } }));
  let { laid, shot } = await look(0, 0, 1);
  const needed = (/** @type {number} */ scale) => grid(laid.wide * scale, laid.high * scale, laid.viewWidth, laid.viewHeight);
  let scale = 1;
  while (needed(scale).length > MOST_PIECES) scale *= 0.9;
  if (scale < 1) {
    shot.close();
    ({ laid, shot } = await look(0, 0, scale));
  }
  const pieces = grid(laid.wide, laid.high, laid.viewWidth, laid.viewHeight);
  const pen = canvasPen(laid.wide, laid.high);
  for (const [at, { x, y }] of pieces.entries()) {
    tell(at, pieces.length);
    if (at > 0) {
      const { viewWidth, viewHeight } = laid;
      ({ laid, shot } = await look(x, y, scale));
      if (laid.viewWidth !== viewWidth || laid.viewHeight !== viewHeight) throw new Error("resized");
    }
    const width = Math.min(laid.viewWidth, laid.wide - x);
    const height = Math.min(laid.viewHeight, laid.high - y);
    pen.drawImage(shot, 0, SIGNATURE, width, height, x, y, width, height);
    shot.close();
  }
  return { blob: await pen.canvas.convertToBlob({ type: "image/png" }), pieces: pieces.length, scale };
}

/** @param {number} width @param {number} height @param {number} viewWidth @param {number} viewHeight */
function grid(width, height, viewWidth, viewHeight) {
  const pieces = [];
  for (let y = 0; y < height; y += viewHeight) {
    for (let x = 0; x < width; x += viewWidth) pieces.push({ x, y });
  }
  return pieces;
}

