/**
 * The scan of a page: find, hash from contact sheets, ask, show; pictures in view first, late ones as they load.
 */
import { capture, NotInFront } from "./capture.js";
import { cut } from "./picture.js";
import { pdq } from "./pdq.js";
import { isAllowed, readDirectly } from "./reading.js";
import * as scans from "./scans.js";
import { Refused } from "./service.js";
import { hashSheet, NotShown, room, SIGNATURE, TILE } from "./sheet.js";
import { removeAll } from "./store.js";
import { NotAllowed, Page } from "./tab.js";
import { judge, showBadges, showCount } from "./verdicts.js";
import { thumbnail } from "./picture.js";

const READY_MS = 250; // how long the first sheets wait for a picture that is still loading
const LATE_MS = 5000;
const ONE_TILE = 512; // device px, when only one picture is asked about
const MOST_PICTURES = 2000;
const DRAWN_LATE = new Set(["canvas", "video"]); // what may be blank on a sheet and yet be on screen

/** @typedef {import("./scans.js").Item} Item */
/** @typedef {import("./scans.js").Scan} Scan */

/**
 * Scan a page, or ask about some of its pictures.
 *
 * @param {chrome.tabs.Tab} tab
 * @param {{ source?: string, link?: string, frame?: number, settle?: boolean }} [wish]
 * @returns {Promise<Scan>}
 */
export async function scan(tab, { source, link, frame = 0, settle: squeezed = false } = {}) {
  const one = Boolean(source ?? link);
  const state = scans.begin(tab);
  const before = one ? await scans.load(state.tab) : undefined;
  if (before?.url === state.url) state.items = before.items;
  await scans.save(state);
  try {
    const page = await new Page(tab).enter();
    if (squeezed) await page.ask("settled");
    if (!one) await Promise.all([page.ask("clear"), removeAll("held", `${state.tab}/`)]);
    const found = await page.ask("collect", { wish: { source, link } });
    if (one && found.length === 0 && frame) await readFrames(state, tab, [frame], { source, link });
    else await readPage(state, page, found.slice(0, MOST_PICTURES), one);
    if (!one) await readFrames(state, tab, await foreignFrames(tab), {});
    state.state = "done";
    if (one && found.length === 0 && !state.items.length) Object.assign(state, { state: "failed", problem: "not_found" });
  } catch (error) {
    Object.assign(state, { state: "failed", ...problemOf(error) });
  }
  state.ended = Date.now();
  await scans.save(state);
  await showCount(state.tab, state.items);
  return state;
}

/** @param {unknown} error @returns {{ problem: string, hint?: string }} */
export function problemOf(error) {
  if (error instanceof Refused) return { problem: error.kind, hint: error.hint };
  if (error instanceof NotAllowed) return { problem: "not_allowed", hint: error.message };
  if (error instanceof NotInFront) return { problem: "not_in_front" };
  if (error instanceof NotShown) return { problem: "not_shown" };
  return { problem: "unexpected", hint: String(error) };
}

/** @param {any} found @param {number} frame @returns {Item} */
export function itemOf(found, frame) {
  const { id, kind, urls, name, width, height, permalink, account } = found;
  return { id, frame, kind, urls: urls.slice(0, 4), name, width, height, permalink, account, verdict: null };
}

/**
 * @param {Scan} state
 * @param {Page} page
 * @param {any[]} found
 * @param {boolean} one
 */
async function readPage(state, page, found, one) {
  const frames = found.filter(({ kind }) => kind === "frame");
  const pictures = found.filter(({ kind }) => kind !== "frame").map((entry) => itemOf(entry, 0));
  const inView = new Set(found.filter(({ seen }) => seen).map(({ id }) => id));
  const size = one ? 1 : room(await page.ask("view"));
  /** @type {Item[]} */
  const late = [];
  for (let at = 0; at < pictures.length; at += size) {
    late.push(...(await readSheet(state, page, pictures.slice(at, at + size), { patience: one ? LATE_MS : READY_MS, one, inView })));
  }
  for (let at = 0; at < late.length; at += size) {
    const left = await readSheet(state, page, late.slice(at, at + size), { patience: LATE_MS, one, inView });
    await settle(state, page, left.map((item) => ({ ...item, reason: "late" })), new Set());
  }
  const closed = [];
  for (const entry of frames) {
    const allowed = entry.origin && (await isAllowed(`${entry.origin}/`));
    if (!allowed) closed.push({ ...itemOf(entry, 0), reason: "frame", needs: /^http/.test(entry.origin ?? "") ? entry.origin : undefined });
  }
  await settle(state, page, closed, new Set());
}

/**
 * @param {Scan} state
 * @param {Page} page
 * @param {Item[]} items
 * @param {{ patience: number, one: boolean, inView: Set<number> }} wish
 * @returns {Promise<Item[]>} What had not loaded.
 */
async function readSheet(state, page, items, { patience, one, inView }) {
  const ids = items.map(({ id }) => id);
  const view = await page.ask("view");
  const most = Math.floor(Math.min(view.width, view.height) * view.ratio) - SIGNATURE;
  const tile = one ? Math.max(TILE, Math.min(ONE_TILE, most)) : TILE;
  const { tiles, late, failed, attempts } = await hashSheet(page, ids, { patience, tile });
  state.captures = (state.captures ?? 0) + attempts;
  const read = items.filter(({ id }) => !late.includes(id));
  for (const item of read) {
    const seen = tiles.get(item.id);
    if (seen) Object.assign(item, { pdq: seen.pdq, quality: seen.quality });
    if (failed.includes(item.id)) item.reason = "unloadable";
  }
  const blank = read.filter((item) => !item.quality && inView.has(item.id) && (DRAWN_LATE.has(item.kind) || item.reason));
  const shownOnly = await readAsShown(state, page, blank);
  await settle(state, page, read, shownOnly, tiles);
  return items.filter(({ id }) => late.includes(id));
}

/**
 * Hash what a sheet cannot show from the page as it is: WebGL whose buffer is not kept, canvases of sandboxed pages.
 *
 * @param {Scan} state
 * @param {Page} page
 * @param {Item[]} items
 * @returns {Promise<Set<number>>} The ids that were.
 */
async function readAsShown(state, page, items) {
  if (!items.length) return new Set();
  const shot = await capture(page);
  state.captures = (state.captures ?? 0) + 1;
  const { ratio } = await page.ask("view");
  /** @type {Set<number>} */
  const read = new Set();
  for (const item of items) {
    const at = await page.ask("where", { id: item.id });
    const box = at && { x: Math.round(at.x * ratio), y: Math.round(at.y * ratio), width: Math.round(at.width * ratio), height: Math.round(at.height * ratio) };
    if (!box || box.x < 0 || box.y < 0 || box.x + box.width > shot.width || box.y + box.height > shot.height) continue;
    Object.assign(item, pdq(cut(shot, box)));
    read.add(item.id);
  }
  shot.close();
  return read;
}

/**
 * Judge, keep, show.
 *
 * @param {Scan} state
 * @param {Page} page
 * @param {Item[]} items
 * @param {Set<number>} shownOnly
 * @param {Map<number, import("./sheet.js").Tile>} [tiles]
 */
async function settle(state, page, items, shownOnly, tiles = new Map()) {
  if (!items.length) return;
  try {
    await judge(items, { shownOnly });
  } finally {
    for (const item of items) {
      const tile = item.verdict !== "not_ours" && tiles.get(item.id);
      if (tile) item.thumb = await thumbnail(tile.pixels);
    }
    scans.merge(state, items);
    await scans.save(state);
  }
  await showBadges(page, items);
}

/**
 * Frames that the top page cannot reach into, and that a permission lets us into.
 *
 * @param {chrome.tabs.Tab} tab
 * @returns {Promise<number[]>}
 */
async function foreignFrames(tab) {
  const target = { tabId: /** @type {number} */ (tab.id), allFrames: true };
  const results = await chrome.scripting.executeScript({ target, func: reachable }).catch(() => []);
  return results.filter(({ frameId, result }) => frameId !== 0 && result === false).map(({ frameId }) => frameId);
}

/** Runs in each frame: whether the top page can look into it. */
function reachable() {
  try {
    return Boolean(/** @type {Window} */ (window.top).document);
  } catch {
    return false;
  }
}

/**
 * @param {Scan} state
 * @param {chrome.tabs.Tab} tab
 * @param {number[]} frames
 * @param {{ source?: string, link?: string }} wish
 */
async function readFrames(state, tab, frames, wish) {
  for (const frame of frames) {
    const page = await new Page(tab, frame).enter();
    const items = (await page.ask("collect", { wish })).filter((/** @type {any} */ one) => one.kind !== "frame").map((/** @type {any} */ one) => itemOf(one, frame));
    for (const item of items) Object.assign(item, await readDirectly(page, item));
    await settle(state, page, items, new Set());
  }
}
