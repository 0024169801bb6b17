/** A region of the page, chosen by hand: captured, hashed, held for a report. */
import { text } from "./browser.js";
import { capture } from "./capture.js";
import { cut, cutFile, hashOf, thumbnail } from "./picture.js";
import { problemOf } from "./scan.js";
import * as scans from "./scans.js";
import { put } from "./store.js";
import { Page } from "./tab.js";
import { judge } from "./verdicts.js";

const THUMB = 96;

/** @param {chrome.tabs.Tab} tab */
export async function pickRegion(tab) {
  const state = (await scans.load(/** @type {number} */ (tab.id))) ?? scans.begin(tab);
  try {
    const page = await new Page(tab).enter();
    const region = await page.ask("pick", { texts: { help: text("regionHelp") } });
    if (!region) return;
    const shot = await capture(page);
    const box = {
      x: Math.round(region.x * region.ratio),
      y: Math.round(region.y * region.ratio),
      width: Math.round(region.width * region.ratio),
      height: Math.round(region.height * region.ratio),
    };
    const file = await cutFile(shot, box);
    const small = cut(await createImageBitmap(file, { resizeWidth: THUMB, resizeHeight: THUMB, resizeQuality: "high" }), { x: 0, y: 0, width: THUMB, height: THUMB });
    shot.close();
    const id = -Date.now(); // no element has it
    await put("held", { key: `${state.tab}/${id}`, blob: file });
    const { pdq, quality, width, height } = await hashOf(file);
    /** @type {import("./scans.js").Item} */
    const item = { id, frame: 0, kind: "region", urls: [], name: "", width, height, pdq, quality, verdict: null, thumb: await thumbnail(small) };
    scans.merge(state, [item]);
    await judge([item]);
    Object.assign(state, { state: "done", problem: undefined, hint: undefined });
  } catch (error) {
    Object.assign(state, { state: "failed", ...problemOf(error) });
  }
  state.ended = Date.now();
  await scans.save(state);
}

