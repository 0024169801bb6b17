/**
 * A sighting: the best pixels, what was around them, when, and a SHA-256 of each; put into the outbox, which sends it.
 */
import { capture } from "./capture.js";
import { filmed } from "./frames.js";
import { obtain } from "./obtain.js";
import { hashOf, jpegOf, sha256 } from "./picture.js";
import { flush } from "./outbox.js";
import { problemOf } from "./scan.js";
import * as scans from "./scans.js";
import { put } from "./store.js";
import { Page } from "./tab.js";

const EXTENSION_OF = /** @type {Record<string, string>} */ ({ "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/avif": "avif", "image/gif": "gif" });

/**
 * @typedef {object} Wish
 * @property {boolean} [screenshot] Also send what the tab shows.
 * @property {boolean} [film] For a video, also the next seconds.
 * @property {string} [notes]
 */

/**
 * Report an item of a tab's scan.
 *
 * @param {chrome.tabs.Tab} tab
 * @param {{ frame: number, id: number }} which
 * @param {Wish} wish
 * @returns {Promise<string>} The report's key.
 */
export async function report(tab, { frame, id }, wish) {
  const scan = await scans.load(/** @type {number} */ (tab.id));
  const item = scan?.items.find((one) => one.id === id && one.frame === frame);
  if (!scan || !item) throw new Error("gone");
  const key = crypto.randomUUID();
  const tell = (/** @type {string} */ step, /** @type {Record<string, unknown>} */ more = {}) =>
    chrome.storage.session.set({ [`report:${key}`]: { step, ...more } });
  item.report = key;
  await scans.save(scan);
  try {
    await tell("obtaining");
    const page = item.id > 0 ? await new Page(tab, frame).enter() : new Page(tab, frame);
    const seen = new Date().toISOString();
    const got = await obtain(page, item, (done, of) => void tell("capturing", { done, of }));
    const frames = item.kind === "video" && wish.film ? await filmed(page, id, (done, of) => void tell("filming", { done, of })) : [];
    const screenshot = wish.screenshot ? await shotOf(page) : null;
    const details = await page.ask("details").catch(() => ({ title: scan.title, permalink: null, account: null }));
    await enqueue(key, {
      picture: got.blob,
      screenshot,
      frames,
      page_url: tab.url ?? scan.url,
      notes: wish.notes,
      evidence: {
        obtained: got.how,
        title: details.title || scan.title,
        permalink: item.permalink ?? details.permalink,
        account: item.account ?? details.account,
        picture_url: shortened(got.url ?? item.urls[0]),
        kind: item.kind,
        pieces: got.pieces,
        scale: got.scale,
        seen_at: seen,
        pdq_shown: item.pdq,
      },
      thumb: item.thumb,
    });
    await tell("queued");
  } catch (error) {
    await tell("failed", problemOf(error));
    throw error;
  }
  void flush();
  return key;
}

/**
 * Report a file that was dropped or pasted into the panel.
 *
 * @param {Blob} blob
 * @param {{ notes?: string, page_url?: string, thumb?: string }} wish
 */
export async function reportFile(blob, { notes, page_url, thumb }) {
  const key = crypto.randomUUID();
  const evidence = { obtained: "upload", kind: "file", seen_at: new Date().toISOString() };
  await enqueue(key, { picture: blob, screenshot: null, frames: [], page_url, notes, evidence, thumb });
  void flush();
  return key;
}

/**
 * @param {string} key
 * @param {{ picture: Blob, screenshot: Blob | null, frames: { blob: Blob, at: number }[], page_url?: string, notes?: string,
 *   evidence: Record<string, unknown>, thumb?: string }} what
 */
async function enqueue(key, { picture, screenshot, frames, page_url, notes, evidence, thumb }) {
  const { pdq, width, height } = await hashOf(picture);
  const files = [{ field: "picture", name: `picture.${EXTENSION_OF[picture.type] ?? "bin"}`, blob: picture }];
  if (screenshot) files.push({ field: "screenshot", name: "screenshot.jpg", blob: screenshot });
  for (const [at, { blob }] of frames.entries()) files.push({ field: "frames", name: `frame-${at}.png`, blob });
  const whole = {
    ...evidence,
    sha256: await sha256(picture),
    pdq_sent: pdq,
    width,
    height,
    screenshot_sha256: screenshot ? await sha256(screenshot) : undefined,
    frames: await Promise.all(frames.map(async ({ blob, at }) => ({ at_s: at, sha256: await sha256(blob) }))),
    agent: `Telltale ${chrome.runtime.getManifest().version}; ${navigator.userAgent}`.slice(0, 300),
  };
  await put("outbox", { key, created: Date.now(), attempts: 0, files, page_url, notes, evidence: whole, thumb });
}

/** @param {Page} page */
async function shotOf(page) {
  const shot = await capture(page);
  const file = await jpegOf(shot);
  shot.close();
  return file;
}

/** @param {string | undefined} url */
function shortened(url) {
  return url && /^https?:/.test(url) ? url.slice(0, 2000) : undefined;
}
