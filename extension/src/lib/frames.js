/**
 * Frames of a playing video, one a second for at most ten seconds, without touching the player: what a canvas exports, or
 * what the tab shows of it. A video that stands still has one frame.
 */
import { pause } from "./browser.js";
import { capture } from "./capture.js";
import { blobOf, cutFile } from "./picture.js";

export const MOST_FRAMES = 10;
const EVERY_MS = 1000;
const SIDE = 1920;

/**
 * @param {import("./tab.js").Page} page
 * @param {number} id
 * @param {(done: number, of: number) => void} tell
 * @returns {Promise<{ blob: Blob, at: number }[]>} `at` in seconds of the video.
 */
export async function filmed(page, id, tell) {
  const frames = [];
  let last = -1;
  for (let count = 0; count < MOST_FRAMES; count += 1) {
    if (count) await pause(EVERY_MS);
    const { playing, at } = await page.ask("player", { id });
    if (at === last) break;
    last = at;
    const blob = await frameOf(page, id);
    if (blob) frames.push({ blob, at });
    tell(count + 1, MOST_FRAMES);
    if (!playing) break;
  }
  return frames;
}

/** @param {import("./tab.js").Page} page @param {number} id */
async function frameOf(page, id) {
  const drawn = await page.ask("drawn", { id, side: SIDE });
  if (drawn) return blobOf(drawn.data, drawn.type);
  const [at, { ratio }] = [await page.ask("where", { id }), await page.ask("view")];
  if (!at || page.frame !== 0) return null;
  const shot = await capture(page);
  const [x, y] = [Math.max(0, Math.round(at.x * ratio)), Math.max(0, Math.round(at.y * ratio))];
  const width = Math.min(shot.width - x, Math.round(at.width * ratio));
  const height = Math.min(shot.height - y, Math.round(at.height * ratio));
  const blob = width > 0 && height > 0 ? await cutFile(shot, { x, y, width, height }) : null;
  shot.close();
  return blob;
}
