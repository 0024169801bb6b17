/**
 * What must outlive the browser: sightings on their way, those that were sent, and pictures held for a report. IndexedDB,
 * because it keeps files and survives a crash.
 */

const NAME = "telltale";
const VERSION = 1;
const STORES = /** @type {const} */ (["outbox", "history", "held"]);

/** @typedef {(typeof STORES)[number]} Store */

/** @type {Promise<IDBDatabase> | null} */
let opened = null;

/** @returns {Promise<IDBDatabase>} */
function open() {
  opened ??= new Promise((done, fail) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      for (const name of STORES) request.result.createObjectStore(name, { keyPath: "key" });
    };
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error);
  });
  return opened;
}

/**
 * @param {Store} store
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest} act
 * @returns {Promise<any>}
 */
async function run(store, mode, act) {
  const database = await open();
  return new Promise((done, fail) => {
    const transaction = database.transaction(store, mode, { durability: mode === "readwrite" ? "strict" : "default" });
    const request = act(transaction.objectStore(store));
    transaction.oncomplete = () => done(request.result);
    transaction.onabort = transaction.onerror = () => fail(transaction.error);
  });
}

/** @param {Store} store @param {{ key: string, [name: string]: unknown }} value */
export const put = (store, value) => run(store, "readwrite", (at) => at.put(value));

/** @param {Store} store @param {string} key @returns {Promise<any>} */
export const get = (store, key) => run(store, "readonly", (at) => at.get(key));

/** @param {Store} store @returns {Promise<any[]>} */
export const all = (store) => run(store, "readonly", (at) => at.getAll());

/** @param {Store} store @param {string} key */
export const remove = (store, key) => run(store, "readwrite", (at) => at.delete(key));

/** @param {Store} store @param {string} prefix Of the keys. */
export const removeAll = (store, prefix) => run(store, "readwrite", (at) => at.delete(IDBKeyRange.bound(prefix, `${prefix}\uffff`)));
