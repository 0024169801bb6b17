/** What differs between browsers, in one place. */

export const isFirefox = !chrome.sidePanel;

/**
 * Open the panel beside the page. Must be called before any `await` of the handler: the browser wants a user's gesture.
 *
 * @param {chrome.tabs.Tab | undefined} tab
 */
export function openPanel(tab) {
  const sidebar = /** @type {any} */ (globalThis).browser?.sidebarAction;
  const opened = sidebar ? sidebar.open() : tab && chrome.sidePanel?.open({ windowId: tab.windowId });
  Promise.resolve(opened).catch(() => undefined); // a window without room for it; the badges still tell
}

/** @param {string} key @param {...(string | number)} values */
export function text(key, ...values) {
  return chrome.i18n.getMessage(key, values.map(String)) || key;
}

/** @param {number} ms */
export function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}
