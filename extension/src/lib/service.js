/**
 * The service's API. Every refusal becomes a `Refused` that says what to do, in the service's own words where it sent any
 * (RFC 9457); nothing else of the extension talks to it.
 */
import { accessToken, forget } from "./credentials.js";
import { settings } from "./settings.js";

/** @typedef {"unset" | "offline" | "signed_out" | "forbidden" | "busy" | "refused"} Kind */

export class Refused extends Error {
  /** @param {Kind} kind @param {string} message @param {string} [hint] */
  constructor(kind, message, hint = "") {
    super(message);
    this.kind = kind;
    this.hint = hint;
  }

  /** Whether the same request may succeed later without anybody doing anything else about it. */
  get passing() {
    return this.kind !== "refused" && this.kind !== "forbidden";
  }
}

const PATIENCE_MS = 30_000;
const UPLOAD_PATIENCE_MS = 180_000;

/**
 * @typedef {object} Answer
 * @property {"ours" | "candidate" | "not_ours" | "unreadable"} result
 * @property {string | null} [embargo_until]
 * @property {string | null} [title]
 * @property {string | null} [asset_id]
 */

/**
 * Ask about hashes, in batches of what the service takes.
 *
 * @param {{ pdq: string, quality: number }[]} hashes
 * @returns {Promise<Answer[]>}
 */
export async function lookUp(hashes) {
  /** @type {Answer[]} */
  const answers = [];
  for (let at = 0; at < hashes.length; at += 500) {
    const { results } = await call("POST", "/v1/lookup", { json: { hashes: hashes.slice(at, at + 500) } });
    answers.push(...results);
  }
  return answers;
}

/** @param {FormData} form @param {string} key Makes sending it twice the same as once. */
export function submit(form, key) {
  return call("POST", "/v1/sightings", { form, key });
}

/** @param {string} id */
export function sighting(id) {
  return call("GET", `/v1/sightings/${encodeURIComponent(id)}`);
}

/**
 * @param {string} method
 * @param {string} path
 * @param {{ json?: unknown, form?: FormData, key?: string }} [request]
 * @returns {Promise<any>}
 */
async function call(method, path, { json, form, key } = {}) {
  const { service } = await settings();
  if (!service) throw new Refused("unset", "No service is set up.");
  const answer = await send(service, path, method, { json, form, key });
  if (answer.ok) return answer.json();
  throw await refusal(answer);
}

/**
 * @param {string} service
 * @param {string} path
 * @param {string} method
 * @param {{ json?: unknown, form?: FormData, key?: string }} request
 * @returns {Promise<Response>}
 */
async function send(service, path, method, { json, form, key }) {
  for (const again of [false, true]) {
    const token = await accessToken({ renew: again });
    if (!token) throw new Refused("signed_out", "You are not signed in.");
    const headers = new Headers({ Authorization: `Bearer ${token}`, Accept: "application/json" });
    if (json) headers.set("Content-Type", "application/json");
    if (key) headers.set("Idempotency-Key", key);
    let answer;
    try {
      answer = await fetch(new URL(path, service), {
        method,
        headers,
        body: form ?? (json ? JSON.stringify(json) : undefined),
        credentials: "omit",
        cache: "no-store",
        redirect: "error",
        referrerPolicy: "no-referrer",
        signal: AbortSignal.timeout(form ? UPLOAD_PATIENCE_MS : PATIENCE_MS),
      });
    } catch {
      throw new Refused("offline", "The service cannot be reached.");
    }
    if (answer.status !== 401 || again) return answer;
  }
  throw new Error("unreachable");
}

/** @param {Response} answer */
async function refusal(answer) {
  const problem = await answer.json().catch(() => ({}));
  const kinds = /** @type {Record<number, Kind>} */ ({ 401: "signed_out", 403: "forbidden", 429: "busy", 502: "offline", 503: "busy", 504: "offline" });
  const kind = kinds[answer.status] ?? (answer.status >= 500 ? "busy" : "refused");
  if (kind === "signed_out") await forget();
  return new Refused(kind, problem.detail ?? `The service answered ${answer.status}.`, problem.hint ?? "");
}
