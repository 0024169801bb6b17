/**
 * Captures of the visible tab. The browser allows two a second; asking sooner is an error, so turns are taken.
 */
import { pause } from "./browser.js";
import { blobOf } from "./picture.js";

const SECOND_MS = 1000;
const A_SECOND = 2;

/** The page that was to be captured is no longer in front. */
export class NotInFront extends Error {}

/** @type {number[]} */
let recent = [];
let turn = Promise.resolve();

/**
 * @param {import("./tab.js").Page} page
 * @returns {Promise<ImageBitmap>}
 */
export async function capture(page) {
  const before = turn;
  /** @type {() => void} */
  let leave = () => undefined;
  turn = new Promise((done) => {
    leave = done;
  });
  await before;
  try {
    recent = recent.filter((at) => Date.now() - at < SECOND_MS + 20);
    if (recent.length >= A_SECOND) await pause(recent[0] + SECOND_MS + 20 - Date.now());
    if (!(await page.isInFront())) throw new NotInFront();
    recent.push(Date.now());
    const url = await chrome.tabs.captureVisibleTab(page.window, { format: "png" });
    if (!(await page.isInFront())) throw new NotInFront();
    return await createImageBitmap(blobOf(url.slice(url.indexOf(",") + 1), "image/png"));
  } finally {
    leave();
  }
}
