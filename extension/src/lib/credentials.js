/**
 * Signing in, and the tokens: they live in `storage.session`, which no content script can read and which ends with the
 * browser. The way in is OAuth 2 with PKCE (RFC 6749, RFC 7636) through the browser's own sign-in window, at whatever
 * authorization server the service names (RFC 8414); or an API token that somebody pastes.
 */
import { settings } from "./settings.js";

const CLIENT_ID = "telltale-extension";
const EARLY_MS = 30_000; // renew before the service would refuse

/**
 * @typedef {object} Credentials
 * @property {string} access
 * @property {string} [refresh] Absent for a pasted token.
 * @property {number} [expires] Epoch in ms.
 * @property {string} [scope] Roles, separated by spaces.
 * @property {string} service The origin that they are for; they are sent nowhere else.
 */

/**
 * @typedef {object} AuthorizationServer
 * @property {string} issuer
 * @property {string} authorization_endpoint
 * @property {string} token_endpoint
 * @property {string} [revocation_endpoint]
 */

export class SignInFailed extends Error {}

/** @returns {Promise<Credentials | null>} */
export async function credentials() {
  const held = /** @type {Credentials | undefined} */ ((await chrome.storage.session.get("credentials")).credentials);
  const { service } = await settings();
  return held?.service === service ? held : null;
}

/** @param {Credentials} held */
async function keep(held) {
  await chrome.storage.session.set({ credentials: held, expired: false });
}

/** Drop what the service no longer accepts, and remember that there was something. */
export async function forget() {
  await chrome.storage.session.set({ expired: true });
  await chrome.storage.session.remove("credentials");
}

/**
 * The token to send, renewed where it is about to end. One renewal at a time, whoever asks:
 * a refresh token works once.
 *
 * @param {{ renew?: boolean }} [wish]
 * @returns {Promise<string | null>}
 */
export async function accessToken({ renew = false } = {}) {
  const held = await credentials();
  if (!held) return null;
  const ending = held.expires !== undefined && Date.now() > held.expires - EARLY_MS;
  if (!held.refresh || (!ending && !renew)) return held.access;
  return navigator.locks.request("telltale-renewal", () => refresh(held));
}

/** @param {Credentials} held What was held before it was this caller's turn. @returns {Promise<string | null>} */
async function refresh(held) {
  const now = await credentials();
  if (now?.access !== held.access) return now?.access ?? null; // somebody else has just done it
  const server = await discover(held.service);
  const body = { grant_type: "refresh_token", refresh_token: held.refresh ?? "", client_id: CLIENT_ID };
  const answer = await post(server.token_endpoint, body);
  if (!answer.ok) {
    if (answer.status < 500 && answer.status !== 429) await forget();
    return null;
  }
  return accept(await answer.json(), held.service);
}

/** @param {any} granted @param {string} service */
async function accept(granted, service) {
  await keep({
    access: granted.access_token,
    refresh: granted.refresh_token,
    expires: Date.now() + Number(granted.expires_in ?? 600) * 1000,
    scope: granted.scope,
    service,
  });
  return /** @type {string} */ (granted.access_token);
}

/**
 * Let the person sign in in a window of the browser's.
 *
 * @param {{ interactive?: boolean }} [wish] Without interaction it succeeds only where the same was granted before.
 */
export async function signIn({ interactive = true } = {}) {
  const { service } = await settings();
  const server = await discover(service);
  const redirect = chrome.identity.getRedirectURL();
  const [verifier, state] = [random(), random()];
  const asked = new URL(server.authorization_endpoint);
  const parameters = {
    response_type: "code",
    client_id: CLIENT_ID,
    redirect_uri: redirect,
    state,
    code_challenge: await challengeOf(verifier),
    code_challenge_method: "S256",
    ...(interactive ? {} : { prompt: "none" }),
  };
  for (const [name, value] of Object.entries(parameters)) asked.searchParams.set(name, value);
  const back = await chrome.identity.launchWebAuthFlow({ url: asked.href, interactive });
  const answer = new URL(back ?? "about:blank").searchParams;
  const ours = answer.get("state") === state && (answer.get("iss") ?? server.issuer) === server.issuer;
  const code = answer.get("code");
  if (!ours || !code) throw new SignInFailed(answer.get("error") ?? "state");
  const body = { grant_type: "authorization_code", code, redirect_uri: redirect, client_id: CLIENT_ID, code_verifier: verifier };
  const granted = await post(server.token_endpoint, body);
  if (!granted.ok) throw new SignInFailed(String(granted.status));
  await accept(await granted.json(), service);
}

/** @param {string} token An API token, checked by using it. */
export async function signInWithToken(token) {
  const { service } = await settings();
  await keep({ access: token.trim(), service });
}

/** Sign out here, and at the service where it gave the tokens itself (RFC 7009). */
export async function signOut() {
  const held = await credentials();
  await chrome.storage.session.remove(["credentials", "expired"]);
  if (!held?.refresh) return;
  const server = await discover(held.service).catch(() => null);
  if (server?.revocation_endpoint) {
    await post(server.revocation_endpoint, { token: held.refresh, client_id: CLIENT_ID }).catch(() => undefined);
  }
}

/** @param {string} service @returns {Promise<AuthorizationServer>} */
async function discover(service) {
  const answer = await fetch(`${service}/.well-known/oauth-authorization-server`, { credentials: "omit", redirect: "error" });
  if (!answer.ok) throw new SignInFailed("The service offers no sign-in; paste a token instead.");
  const server = await answer.json();
  for (const name of ["authorization_endpoint", "token_endpoint"]) {
    const { protocol } = new URL(server[name]);
    if (protocol !== "https:" && new URL(server[name]).origin !== service) throw new SignInFailed(`${name} is not safe`);
  }
  return server;
}

/** @param {string} url @param {Record<string, string>} body */
function post(url, body) {
  const headers = { "Content-Type": "application/x-www-form-urlencoded", Accept: "application/json" };
  return fetch(url, { method: "POST", headers, body: new URLSearchParams(body), credentials: "omit", redirect: "error" });
}

/** 256 random bits. */
function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** @param {string} verifier @returns {Promise<string>} RFC 7636, section 4.2: S256. */
export async function challengeOf(verifier) {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
