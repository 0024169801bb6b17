/**
 * What happens in the browser, and what is done about it. All listeners are added at once, because the browser wakes this
 * worker for an event and forgets it again.
 */
import { openPanel } from "./lib/browser.js";
import * as credentials from "./lib/credentials.js";
import { CHECK, makeMenus, REGION } from "./lib/menus.js";
import { ALARM, flush, retry } from "./lib/outbox.js";
import { pickRegion } from "./lib/region.js";
import { report, reportFile } from "./lib/report.js";
import { scan } from "./lib/scan.js";
import * as scans from "./lib/scans.js";
import * as service from "./lib/service.js";
import { get, removeAll } from "./lib/store.js";
import { Page } from "./lib/tab.js";
import { appeared, isWatched, registerWatched } from "./lib/watching.js";

/** Panels that are open squeeze no page when they are opened. */
let panels = 0;

chrome.runtime.onInstalled.addListener(({ reason }) => {
  makeMenus();
  void registerWatched();
  if (reason === "install") void chrome.runtime.openOptionsPage();
});
chrome.runtime.onStartup.addListener(() => {
  void registerWatched();
  void flush();
});
chrome.permissions.onAdded.addListener(() => void registerWatched());
chrome.permissions.onRemoved.addListener(() => void registerWatched());
chrome.alarms.onAlarm.addListener(({ name }) => name === ALARM && void flush());

chrome.action.onClicked.addListener((tab) => begin(tab));
chrome.commands.onCommand.addListener((name, tab) => {
  if (name === "scan-page" && tab) begin(tab);
});
chrome.contextMenus.onClicked.addListener(({ menuItemId, srcUrl, linkUrl, frameId }, tab) => {
  if (!tab) return;
  if (menuItemId === REGION) {
    openPanel(tab);
    void pickRegion(tab);
  } else if (menuItemId === CHECK) {
    const wish = srcUrl ? { source: srcUrl } : { link: linkUrl };
    begin(tab, { ...wish, frame: frameId });
  }
});

/**
 * @param {chrome.tabs.Tab} tab
 * @param {Parameters<typeof scan>[1]} [wish]
 */
function begin(tab, wish = {}) {
  const squeezes = panels === 0;
  openPanel(tab);
  void scan(tab, { ...wish, settle: squeezes }).then(flush);
}

chrome.tabs.onRemoved.addListener((tab) => {
  void scans.drop(tab);
  void removeAll("held", `${tab}/`);
});
chrome.tabs.onUpdated.addListener((tab, { status }) => {
  if (status === "loading") void scans.drop(tab);
});

chrome.runtime.onConnect.addListener((port) => {
  if (!isOurs(port.sender) || port.name !== "panel") return;
  panels += 1;
  void flush();
  port.onDisconnect.addListener(() => {
    panels -= 1;
  });
});

/** @type {Record<string, (message: any) => unknown>} What our own pages may ask. */
const answers = {
  scan: async ({ tab }) => scan(await chrome.tabs.get(tab), { settle: false }),
  pick: async ({ tab }) => pickRegion(await chrome.tabs.get(tab)),
  focus: async ({ tab, frame, id }) => new Page(await chrome.tabs.get(tab), frame).ask("focus", { id }),
  clear: async ({ tab }) => {
    await scans.drop(tab);
    await new Page(await chrome.tabs.get(tab)).ask("clear");
  },
  report: async ({ tab, frame, id, wish }) => report(await chrome.tabs.get(tab), { frame, id }, wish),
  reportFile: async ({ held, wish }) => reportFile((await get("held", held)).blob, wish),
  lookUp: ({ hashes }) => service.lookUp(hashes),
  sighting: ({ id }) => service.sighting(id),
  retry: ({ key }) => retry(key),
  flush: () => flush(),
  signIn: (wish) => credentials.signIn(wish).then(() => flush()),
  signInWithToken: ({ token }) => credentials.signInWithToken(token).then(() => flush()),
  signOut: () => credentials.signOut(),
  watched: () => registerWatched(),
};

chrome.runtime.onMessage.addListener((message, sender, reply) => {
  const asked = isOurs(sender) && Object.hasOwn(answers, message?.ask) ? answers[message.ask](message) : fromPage(message, sender);
  if (!asked) return undefined;
  Promise.resolve(asked).then(
    (value) => reply({ value: value ?? null }),
    (error) => reply({ error: { kind: error?.kind ?? "unexpected", message: String(error?.message ?? error), hint: error?.hint ?? "" } }),
  );
  return true;
});

/**
 * Whether one of our own pages speaks. Content scripts share a process with the page, and are not believed.
 *
 * @param {chrome.runtime.MessageSender | undefined} sender
 */
function isOurs(sender) {
  return sender?.id === chrome.runtime.id && Boolean(sender.url?.startsWith(chrome.runtime.getURL("")));
}

/**
 * The one thing that a content script may say, and only on a site that the user has watched.
 *
 * @param {any} message
 * @param {chrome.runtime.MessageSender} sender
 */
function fromPage(message, sender) {
  const { id, tab, frameId } = sender;
  if (id !== chrome.runtime.id || !tab || frameId !== 0 || message?.ask !== "appeared" || !Array.isArray(message.found)) return null;
  return isWatched(sender.url).then((watched) => (watched ? appeared(tab, message.found) : undefined));
}
