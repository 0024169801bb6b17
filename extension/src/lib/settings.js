/**
 * Options: an administrator's policy wins over what was built in, and that over what the user typed.
 */
import { SERVICE } from "./built.js";

/**
 * @typedef {object} Settings
 * @property {string} service Origin of the service; empty until one is set.
 * @property {"browser" | "token" | "any"} signIn
 * @property {string[]} watch Host names.
 * @property {boolean} locked Whether policy forbids changes.
 * @property {boolean} managed Whether the address comes from policy or from the build.
 */

/** @returns {Promise<Settings>} */
export async function settings() {
  const own = /** @type {{ service: string, watch: string[] }} */ (await chrome.storage.local.get({ service: "", watch: [] }));
  const policy = await managed();
  const hosts = /** @type {string[]} */ ([...own.watch, ...(policy.watch ?? [])]);
  return {
    service: originOf(policy.service) || SERVICE || originOf(own.service),
    signIn: ["browser", "token"].includes(policy.signIn) ? policy.signIn : "any",
    watch: [...new Set(hosts)],
    locked: policy.locked === true,
    managed: Boolean(originOf(policy.service) || SERVICE),
  };
}

/** @returns {Promise<Record<string, any>>} */
async function managed() {
  try {
    return (await chrome.storage.managed?.get()) ?? {};
  } catch {
    return {}; // Firefox refuses where there is no policy
  }
}

/**
 * Keep the origin of an address that may be a service's; empty where it is none. Plain http is for this machine only.
 *
 * @param {unknown} address
 * @returns {string}
 */
export function originOf(address) {
  try {
    const url = new URL(String(address));
    const local = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
    return url.protocol === "https:" || (url.protocol === "http:" && local) ? url.origin : "";
  } catch {
    return "";
  }
}

/** @param {string} origin @returns {string} The match pattern of a whole origin; patterns know no ports. */
export function patternOf(origin) {
  const { protocol, hostname } = new URL(origin);
  return `${protocol}//${hostname}/*`;
}

/** @param {string} service */
export async function keepService(service) {
  await chrome.storage.local.set({ service });
}

/** @param {string[]} watch */
export async function keepWatched(watch) {
  await chrome.storage.local.set({ watch: [...new Set(watch)] });
}
