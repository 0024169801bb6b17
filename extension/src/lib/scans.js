/**
 * What is known of each tab's pictures, in `storage.session`: gone with the browser, out of reach of pages, and watched by
 * the panel, which shows every change as it comes.
 */

/** @typedef {"ours" | "candidate" | "not_ours" | "unreadable"} Verdict */

/**
 * @typedef {object} Item
 * @property {number} id
 * @property {number} frame
 * @property {string} kind
 * @property {string[]} urls
 * @property {string} name
 * @property {number} width
 * @property {number} height
 * @property {Verdict | null} verdict Null while nobody knows.
 * @property {string} [reason] Why it could not be read.
 * @property {string} [needs] The origin that a permission would be for.
 * @property {string} [pdq]
 * @property {number} [quality]
 * @property {string | null} [embargo]
 * @property {string | null} [title]
 * @property {string} [thumb] Data URL.
 * @property {string} [permalink]
 * @property {string} [account]
 * @property {string} [report] Key of its report.
 */

/**
 * @typedef {object} Scan
 * @property {number} tab
 * @property {string} url
 * @property {string} title
 * @property {number} begun
 * @property {number} [ended]
 * @property {"running" | "done" | "failed"} state
 * @property {string} [problem] A kind of refusal, or "not_allowed", "not_in_front", "not_shown".
 * @property {string} [hint]
 * @property {number} [captures]
 * @property {Item[]} items
 */

/** @param {number} tab */
const keyOf = (tab) => `scan:${tab}`;

/** @param {number} tab @returns {Promise<Scan | undefined>} */
export async function load(tab) {
  return /** @type {Scan | undefined} */ ((await chrome.storage.session.get(keyOf(tab)))[keyOf(tab)]);
}

/** @param {Scan} scan */
export async function save(scan) {
  await chrome.storage.session.set({ [keyOf(scan.tab)]: scan });
}

/** @param {number} tab */
export async function drop(tab) {
  await chrome.storage.session.remove(keyOf(tab));
}

/** @param {chrome.tabs.Tab} tab @returns {Scan} */
export function begin(tab) {
  return {
    tab: /** @type {number} */ (tab.id),
    url: tab.url ?? "",
    title: tab.title ?? "",
    begun: Date.now(),
    state: "running",
    items: [],
  };
}

/**
 * Add items, or replace those of the same picture.
 *
 * @param {Scan} scan
 * @param {Item[]} items
 */
export function merge(scan, items) {
  const fresh = new Map(items.map((item) => [`${item.frame}/${item.id}`, item]));
  scan.items = scan.items.map((item) => {
    const key = `${item.frame}/${item.id}`;
    const now = fresh.get(key);
    fresh.delete(key);
    return now ?? item;
  });
  scan.items.push(...fresh.values());
}
