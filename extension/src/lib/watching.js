/**
 * Watch mode, from this side: content scripts on the sites that the user chose, and answers to what they see. Quiet unless
 * something is ours.
 */
import { readDirectly } from "./reading.js";
import { itemOf, problemOf } from "./scan.js";
import * as scans from "./scans.js";
import { settings } from "./settings.js";
import { FILES, Page } from "./tab.js";
import { judge, showBadges, showCount } from "./verdicts.js";

const SCRIPT = "watch";
const TELLING = new Set(["ours", "candidate"]);

/** @param {string} host @returns {string[]} */
export function patternsOf(host) {
  return [`https://${host}/*`, `http://${host}/*`];
}

/** Register the content scripts for the sites that are watched and permitted; called whenever either changes. */
export async function registerWatched() {
  const { watch } = await settings();
  const matches = [];
  for (const pattern of watch.flatMap(patternsOf)) {
    if (await chrome.permissions.contains({ origins: [pattern] })) matches.push(pattern);
  }
  await chrome.scripting.unregisterContentScripts({ ids: [SCRIPT] }).catch(() => undefined); // there was none
  if (matches.length) {
    await chrome.scripting.registerContentScripts([{ id: SCRIPT, matches, js: [...FILES, "src/content/begin.js"], runAt: "document_idle" }]);
  }
}

/** @param {string | undefined} url Whether the user has a page's site watched. */
export async function isWatched(url) {
  const host = hostOf(url);
  return host !== "" && (await settings()).watch.includes(host);
}

/** @param {string | undefined} url */
export function hostOf(url) {
  try {
    return new URL(url ?? "").hostname;
  } catch {
    return "";
  }
}

/**
 * Pictures have come into view on a watched site.
 *
 * @param {chrome.tabs.Tab} tab
 * @param {any[]} found
 */
export async function appeared(tab, found) {
  const page = new Page(tab);
  const items = found.slice(0, 200).map((one) => itemOf(one, 0));
  for (const item of items) Object.assign(item, await readDirectly(page, item));
  const scan = (await scans.load(page.id)) ?? { ...scans.begin(tab), state: /** @type {const} */ ("done") };
  if (scan.url !== tab.url) Object.assign(scan, { url: tab.url, title: tab.title, items: [] });
  try {
    await judge(items);
  } catch (error) {
    Object.assign(scan, { state: "failed", ...problemOf(error) });
  }
  scans.merge(scan, items.filter(({ verdict }) => verdict !== null));
  await scans.save(scan);
  await showBadges(page, items.filter(({ verdict }) => TELLING.has(verdict ?? "")));
  await showCount(page.id, scan.items);
}
