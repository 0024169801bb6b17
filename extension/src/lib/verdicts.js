/**
 * From hashes to verdicts, and to the badges that say them. A picture whose hash says nothing, or that has none, is
 * "could not read"; it is never "not ours".
 */
import { text } from "./browser.js";
import { lookUp } from "./service.js";

export const LEAST_QUALITY = 1; // the service decides about the rest

/** @typedef {import("./scans.js").Item} Item */

/**
 * Ask the service about items that have a hash, and write the verdicts into them.
 *
 * @param {Item[]} items
 * @param {{ shownOnly?: Set<number> }} [wish] Ids hashed from the page as it is shown, where something may lie above them:
 *   only a match says anything there.
 */
export async function judge(items, { shownOnly = new Set() } = {}) {
  const asked = items.filter(({ pdq, quality }) => pdq && (quality ?? 0) >= LEAST_QUALITY);
  const answers = asked.length ? await lookUp(asked.map(({ pdq = "", quality = 0 }) => ({ pdq, quality }))) : [];
  asked.forEach((item, at) => {
    const { result, embargo_until: embargo, title } = answers[at];
    Object.assign(item, { verdict: result, embargo, title });
    if (result === "unreadable") item.reason = "flat";
    if (result === "not_ours" && shownOnly.has(item.id)) Object.assign(item, { verdict: "unreadable", reason: "covered" });
  });
  for (const item of items) {
    if (item.verdict === null) Object.assign(item, { verdict: "unreadable", reason: item.reason ?? "flat" });
  }
}

/** @param {Item} item What the badge and the panel call it. */
export function words(item) {
  if (item.verdict === "ours" && item.embargo) return text("oursUntil", day(item.embargo));
  if (item.verdict === "ours") return text("ours");
  if (item.verdict === "candidate") return text("candidate");
  if (item.verdict === "not_ours") return text(item.kind === "video" ? "frameNotOurs" : "notOurs");
  return text("couldNotRead");
}

/** @param {string} moment */
export function day(moment) {
  return new Intl.DateTimeFormat(chrome.i18n.getUILanguage(), { dateStyle: "medium" }).format(new Date(moment));
}

/**
 * @param {import("./tab.js").Page} page
 * @param {Item[]} items
 */
export async function showBadges(page, items) {
  const badges = items.filter(({ verdict }) => verdict).map((item) => ({ id: item.id, verdict: item.verdict, text: words(item) }));
  if (badges.length) await page.ask("badges", { badges, texts: { dismiss: text("badgesLabel") } });
}

/** @param {number} tab @param {Item[]} items */
export async function showCount(tab, items) {
  const found = items.filter(({ verdict }) => verdict === "ours").length;
  await chrome.action.setBadgeBackgroundColor({ tabId: tab, color: "#a3261c" }).catch(() => undefined);
  await chrome.action.setBadgeText({ tabId: tab, text: found ? String(found) : "" }).catch(() => undefined);
}
