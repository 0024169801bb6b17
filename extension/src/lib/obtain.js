/**
 * The best pixels of a picture for a report, and how they were got. The original file comes first, where the page or a
 * permission gives it; it counts only if it still looks like what was shown, because hosts may hand out something else.
 */
import { capture } from "./capture.js";
import { pan } from "./panning.js";
import { distance } from "./pdq.js";
import { blobOf, cutFile, hashOf } from "./picture.js";
import { fetched, isAllowed } from "./reading.js";
import { get } from "./store.js";

const SAME = 31; // bits of 256
const WHOLE = 100_000; // px; a canvas exports at its own size

/** @typedef {"file" | "canvas" | "capture" | "stitched" | "screen" | "upload"} How */

/**
 * @typedef {object} Obtained
 * @property {Blob} blob
 * @property {How} how
 * @property {string} [url] Where the file came from.
 * @property {number} [pieces]
 * @property {number} [scale] Below 1 where the picture was too large to be captured at its own size.
 */

/**
 * @param {import("./tab.js").Page} page
 * @param {import("./scans.js").Item} item
 * @param {(done: number, of: number) => void} tell
 * @returns {Promise<Obtained>}
 */
export async function obtain(page, item, tell) {
  const held = await get("held", `${page.id}/${item.id}`);
  if (held) return { blob: held.blob, how: item.kind === "upload" ? "upload" : "screen" };
  const same = async (/** @type {Blob} */ blob) => {
    const { pdq, quality } = await hashOf(blob);
    return quality > 0 && (!item.pdq || distance(pdq, item.pdq) <= SAME);
  };
  if (item.kind !== "video" && item.kind !== "canvas") {
    const file = await originalOf(page, item, same);
    if (file) return file;
  }
  const drawn = await page.ask("drawn", { id: item.id, side: WHOLE }).catch(() => null);
  const exported = drawn && blobOf(drawn.data, drawn.type);
  if (exported && (await same(exported).catch(() => false))) return { blob: exported, how: "canvas" };
  if (page.frame === 0) {
    const { blob, pieces, scale } = await pan(page, item.id, tell).catch(() => ({ blob: null, pieces: 0, scale: 1 }));
    if (blob && (await same(blob))) return { blob, how: pieces > 1 ? "stitched" : "capture", pieces, scale };
  }
  return asShown(page, item);
}

/**
 * @param {import("./tab.js").Page} page
 * @param {import("./scans.js").Item} item
 * @param {(blob: Blob) => Promise<boolean>} same
 * @returns {Promise<Obtained | null>}
 */
async function originalOf(page, item, same) {
  const own = await page.ask("bytes", { id: item.id }).catch(() => null);
  const file = own && blobOf(own.data, own.type);
  if (file && (await same(file).catch(() => false))) return { blob: file, how: "file", url: item.urls[0] };
  for (const url of item.urls) {
    if (!(await isAllowed(url))) continue;
    try {
      const blob = await fetched(url);
      if (await same(blob)) return { blob, how: "file", url };
    } catch {
      // it answers something else; the next address may do
    }
  }
  return null;
}

/**
 * Cut it out of the page as it stands there.
 *
 * @param {import("./tab.js").Page} page
 * @param {import("./scans.js").Item} item
 * @returns {Promise<Obtained>}
 */
async function asShown(page, item) {
  await page.ask("focus", { id: item.id });
  await page.ask("settled");
  const [shot, at, { ratio }] = [await capture(page), await page.ask("where", { id: item.id }), await page.ask("view")];
  if (!at) throw new Error("gone");
  const [x, y] = [Math.max(0, Math.round(at.x * ratio)), Math.max(0, Math.round(at.y * ratio))];
  const box = { x, y, width: Math.min(shot.width - x, Math.round(at.width * ratio)), height: Math.min(shot.height - y, Math.round(at.height * ratio)) };
  const blob = await cutFile(shot, box);
  shot.close();
  return { blob, how: "screen" };
}
