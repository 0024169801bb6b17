/**
 * Sightings on their way. Each is kept until the service has it, through restarts and lost networks, and is sent under one
 * idempotency key, so that sending it again never makes two.
 */
import { Refused, submit } from "./service.js";
import { all, put, remove } from "./store.js";

export const ALARM = "outbox";
const SOONEST_MIN = 0.5;

/**
 * @typedef {object} Waiting
 * @property {string} key
 * @property {number} created
 * @property {number} attempts
 * @property {{ field: string, name: string, blob: Blob }[]} files
 * @property {string} [page_url]
 * @property {string} [notes]
 * @property {Record<string, unknown>} evidence
 * @property {string} [thumb]
 * @property {string} [problem] Why it is still here.
 * @property {string} [hint]
 * @property {boolean} [stuck] Sending it again as it is would not help.
 */

/** Send what waits, oldest first; one at a time, whoever asks. */
export async function flush() {
  await navigator.locks.request("telltale-outbox", async () => {
    const waiting = /** @type {Waiting[]} */ (await all("outbox")).sort((a, b) => a.created - b.created);
    for (const one of waiting) {
      if (one.stuck) continue;
      if (!(await sent(one))) break; // the service is away; the others would fare no better
    }
    await remind();
  });
}

/** @param {Waiting} one @returns {Promise<boolean>} Whether to go on with the next. */
async function sent(one) {
  try {
    const made = await submit(form(one), one.key);
    const { key, thumb, page_url, created } = one;
    await put("history", { key, thumb, page_url, created, title: one.evidence.title, sighting: made.id, state: made.state });
    await remove("outbox", one.key);
    await chrome.storage.session.set({ [`report:${key}`]: { step: "sent", sighting: made.id }, changed: Date.now() });
    return true;
  } catch (error) {
    const refused = error instanceof Refused ? error : new Refused("busy", String(error));
    await put("outbox", { ...one, attempts: one.attempts + 1, problem: refused.kind, hint: refused.hint || refused.message, stuck: !refused.passing });
    await chrome.storage.session.set({ [`report:${one.key}`]: { step: refused.passing ? "waiting" : "failed", problem: refused.kind, hint: refused.hint }, changed: Date.now() });
    return !refused.passing;
  }
}

/** @param {Waiting} one @returns {FormData} */
export function form(one) {
  const data = new FormData();
  for (const { field, name, blob } of one.files) data.append(field, blob, name);
  if (one.page_url && /^https?:/.test(one.page_url)) data.append("page_url", one.page_url.slice(0, 2000));
  if (one.notes) data.append("notes", one.notes);
  data.append("evidence", JSON.stringify(one.evidence));
  return data;
}

/** Wake up for what is left, later and later. */
async function remind() {
  const left = /** @type {Waiting[]} */ (await all("outbox")).filter(({ stuck }) => !stuck);
  if (!left.length) {
    await chrome.alarms.clear(ALARM);
    return;
  }
  const tries = Math.min(...left.map(({ attempts }) => attempts));
  await chrome.alarms.create(ALARM, { delayInMinutes: Math.min(60, SOONEST_MIN * 2 ** tries) });
}

/** @param {string} key Try again now what was refused. */
export async function retry(key) {
  const one = /** @type {Waiting | undefined} */ ((await all("outbox")).find((waiting) => waiting.key === key));
  if (one) await put("outbox", { ...one, stuck: false });
  await flush();
}
