/**
 * The panel beside the page: what was found as it comes, files that are dropped, and what became of every sighting that this
 * device has sent.
 */
import { credentials } from "../lib/credentials.js";
import { hashOf, thumbnail, canvasPen } from "../lib/picture.js";
import * as scans from "../lib/scans.js";
import { keepWatched, patternOf, settings } from "../lib/settings.js";
import { all, put, remove } from "../lib/store.js";
import { judge, words } from "../lib/verdicts.js";
import { hostOf, patternsOf } from "../lib/watching.js";
import { pictureCard, sightingCard, waitingCard } from "./cards.js";
import { ask, button, byId, hush, problemText, renew, tell, text, translate } from "./page.js";

const POLL_MS = 1500;
const THUMB = 96;
const MOST_HISTORY = 50;

/** @type {chrome.tabs.Tab | undefined} */
let tab;
/** @type {Map<string, any>} What the service last said of each sighting. */
const shown = new Map();
/** @type {import("../lib/scans.js").Item[]} */
const files = [];

/** @returns {Promise<chrome.tabs.Tab | undefined>} */
async function tabInFront() {
  const wanted = Number(new URLSearchParams(location.search).get("tab"));
  if (wanted) return chrome.tabs.get(wanted);
  return (await chrome.tabs.query({ active: true, currentWindow: true }))[0];
}

async function showPage() {
  tab = await tabInFront();
  const scan = tab?.id === undefined ? undefined : await scans.load(tab.id);
  const items = scan?.items ?? [];
  const stored = await chrome.storage.session.get(null);
  const acts = (/** @type {import("../lib/scans.js").Item} */ item) => ({
    tab: tab?.id ?? 0,
    progress: item.report && stored[`report:${item.report}`],
    report: (/** @type {any} */ one, /** @type {object} */ wish) => ask("report", { tab: tab?.id, frame: one.frame, id: one.id, wish }),
    allow,
  });
  const told = items.filter(({ kind, verdict }) => kind === "region" || verdict === "ours" || verdict === "candidate");
  keepOpen(byId("found"), told.map((item) => pictureCard(item, acts(item))));
  const unread = items.filter(({ kind, verdict }) => verdict === "unreadable" && kind !== "region");
  byId("others").hidden = !unread.length;
  byId("others-title").textContent = text("couldNotReadCount", unread.length);
  keepOpen(byId("unread"), unread.slice(0, 50).map((item) => pictureCard(item, acts(item))));
  byId("clear").hidden = !items.length;
  byId("summary").textContent = summary(scan);
  await showProblem(scan?.state === "failed" ? scan.problem : undefined, scan?.hint);
  await showWatch();
}

/** Cards where somebody is about to confirm a report are not taken away. @param {HTMLElement} list @param {HTMLElement[]} cards */
function keepOpen(list, cards) {
  if (!list.querySelector(".confirm")) renew(list, cards);
}

/** @param {import("../lib/scans.js").Scan | undefined} scan */
function summary(scan) {
  if (!scan) return text("notScanned");
  const count = (/** @type {string} */ verdict) => scan.items.filter((item) => item.verdict === verdict).length;
  if (scan.state === "running") return text("scanning", scan.items.length);
  if (scan.state === "failed" && !scan.items.some(({ verdict }) => verdict)) return "";
  if (!scan.items.length) return text("noPictures");
  return text("summary", count("ours"), count("candidate"), count("not_ours"), count("unreadable"));
}

/** @param {string} [problem] @param {string} [hint] */
async function showProblem(problem, hint) {
  const { service, signIn } = await settings();
  const { expired } = await chrome.storage.session.get("expired");
  const options = () => button(text("options"), () => chrome.runtime.openOptionsPage(), "button");
  if (!service) return tell("bad", problemText("unset"), options());
  if (!(await credentials())) {
    const way = signIn === "token" ? options() : button(text("signIn"), () => ask("signIn", { interactive: true }).then(showPage), "button");
    return tell(expired ? "bad" : "note", problemText(expired ? "expired" : "signed_out"), way);
  }
  if (!problem || problem === "signed_out" || problem === "unset") return hush();
  return tell("bad", problemText(problem), problem === "not_allowed" ? undefined : hint);
}

async function showWatch() {
  const host = hostOf(tab?.url);
  const { watch, locked } = await settings();
  byId("watch-row").hidden = !host || !/^https?:/.test(tab?.url ?? "");
  byId("watch-text").textContent = text("watchSite", host);
  const box = /** @type {HTMLInputElement} */ (byId("watch"));
  box.checked = watch.includes(host);
  box.disabled = locked;
}

/** Ask for one host, at the moment it helps. @param {string} origin */
async function allow(origin) {
  if (await chrome.permissions.request({ origins: [patternOf(origin)] })) await ask("scan", { tab: tab?.id });
}

async function showSightings() {
  const [waiting, history] = [await all("outbox"), (await all("history")).sort((a, b) => b.created - a.created)];
  const { service } = await settings();
  renew(byId("waiting"), waiting.map((one) => waitingCard(one, () => remove("outbox", one.key).then(showSightings))));
  renew(
    byId("history"),
    history.slice(0, MOST_HISTORY).map((one) => {
      const forget = () => remove("history", one.key).then(showSightings);
      return sightingCard(one, shown.get(one.sighting) ?? one.shown, { service, forget });
    }),
  );
  byId("no-sightings").hidden = waiting.length + history.length > 0;
}

/** Ask about sightings that are under way, until they have ended. */
async function poll() {
  const history = await all("history");
  const open = history.filter((one) => !(shown.get(one.sighting) ?? one.shown)?.trace_ended);
  let changed = false;
  for (const one of open.slice(0, 20)) {
    const now = await ask("sighting", { id: one.sighting }).catch(() => null);
    if (!now || JSON.stringify(now) === JSON.stringify(shown.get(one.sighting))) continue;
    shown.set(one.sighting, now);
    changed = true;
    const { state, trace_ended, ours, outcome, hint, reason, progress } = now; // no names are kept on this device
    if (trace_ended) await put("history", { ...one, shown: { state, trace_ended, ours, outcome, hint, reason, progress } });
  }
  if (changed) await showSightings();
}

/** @param {Blob} file */
async function takeFile(file) {
  const { pdq, quality, width, height } = await hashOf(file);
  const pen = canvasPen(THUMB, THUMB);
  pen.drawImage(await createImageBitmap(file), 0, 0, THUMB, THUMB);
  const thumb = await thumbnail(pen.getImageData(0, 0, THUMB, THUMB));
  /** @type {import("../lib/scans.js").Item} */
  const item = { id: -Date.now(), frame: 0, kind: "upload", urls: [], name: /** @type {File} */ (file).name ?? "", width, height, pdq, quality, verdict: null, thumb };
  await judge([item]);
  const held = `file/${crypto.randomUUID()}`;
  await put("held", { key: held, blob: file });
  files.unshift(item);
  const report = async (/** @type {any} */ one, /** @type {any} */ wish) => {
    await ask("reportFile", { held, wish: { notes: wish.notes, thumb } });
    await remove("held", held);
    files.splice(files.indexOf(one), 1);
    byId("files").querySelector(`[data-held="${held}"]`)?.remove();
    await showSightings();
  };
  const card = pictureCard(item, { tab: 0, report, allow });
  card.dataset.held = held;
  byId("files").prepend(card);
  byId("summary").textContent = words(item);
}

/** @param {Iterable<File>} list */
async function takeFiles(list) {
  for (const file of list) {
    try {
      await takeFile(file);
    } catch (error) {
      const kind = /** @type {any} */ (error).kind;
      tell("bad", kind ? problemText(kind) : text("notAPicture", file.name));
    }
  }
}

function listen() {
  byId("options").addEventListener("click", () => chrome.runtime.openOptionsPage());
  byId("scan").addEventListener("click", () => void ask("scan", { tab: tab?.id }));
  byId("pick").addEventListener("click", () => void ask("pick", { tab: tab?.id }));
  byId("clear").addEventListener("click", () => void ask("clear", { tab: tab?.id }).catch(() => undefined));
  byId("watch").addEventListener("change", async (event) => {
    const wanted = /** @type {HTMLInputElement} */ (event.target).checked;
    const host = hostOf(tab?.url);
    const granted = !wanted || (await chrome.permissions.request({ origins: patternsOf(host) })); // before any other await
    const { watch } = await chrome.storage.local.get({ watch: /** @type {string[]} */ ([]) });
    const without = /** @type {string[]} */ (watch).filter((one) => one !== host);
    await keepWatched(wanted && granted ? [...without, host] : without);
    await ask("watched");
    await showWatch();
  });
  const drop = byId("drop");
  byId("file").addEventListener("change", (event) => void takeFiles(/** @type {HTMLInputElement} */ (event.target).files ?? []));
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragenter" || kind === "dragover");
      if (kind === "drop") void takeFiles(/** @type {DragEvent} */ (event).dataTransfer?.files ?? []);
    });
  }
  document.addEventListener("paste", (event) => void takeFiles(event.clipboardData?.files ?? []));
  chrome.storage.session.onChanged.addListener((changes) => {
    void showPage();
    if (changes.changed) void showSightings().then(poll);
  });
  chrome.tabs.onActivated.addListener(() => void showPage());
  chrome.tabs.onUpdated.addListener((_, { status }) => status && void showPage());
  addEventListener("online", () => void ask("flush"));
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && void poll());
}

translate();
listen();
chrome.runtime.connect({ name: "panel" });
await showPage();
await showSightings();
await poll();
setInterval(() => document.visibilityState === "visible" && void poll(), POLL_MS);
