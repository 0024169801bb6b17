/**
 * Speaking with a page: the content scripts are put there when somebody asks for something, and answer one at a time.
 */

export const FILES = ["find", "sheet", "badges", "region", "pixels", "watch", "answers"].map((name) => `src/content/${name}.js`);

/** @typedef {{ ratio: number, width: number, height: number }} View */

/** The browser lets no extension look at this page, or the click was for another one. */
export class NotAllowed extends Error {}

/**
 * A page, or one frame of it.
 */
export class Page {
  /** @param {chrome.tabs.Tab} tab @param {number} [frame] */
  constructor(tab, frame = 0) {
    this.id = /** @type {number} */ (tab.id);
    this.window = tab.windowId;
    this.frame = frame;
  }

  /** Put the content scripts there; those that are there already stay. */
  async enter() {
    const target = { tabId: this.id, frameIds: [this.frame] };
    try {
      await chrome.scripting.executeScript({ target, files: FILES, injectImmediately: true });
    } catch (error) {
      throw new NotAllowed(String(/** @type {Error} */ (error)?.message ?? error));
    }
    return this;
  }

  /** @param {string} what @param {Record<string, unknown>} [more] @returns {Promise<any>} */
  async ask(what, more = {}) {
    const answer = await chrome.tabs.sendMessage(this.id, { ask: what, ...more }, { frameId: this.frame });
    if (answer?.error) throw new Error(answer.error);
    return answer?.value;
  }

  /** Whether the page is what its window shows; a capture would show another one otherwise. */
  async isInFront() {
    const tab = await chrome.tabs.get(this.id);
    return tab.active && tab.windowId === this.window;
  }
}
