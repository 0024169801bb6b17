/** Options: the service's address, signing in, watched sites, and every permission that was ever given, to take back. */
import { credentials } from "../lib/credentials.js";
import { keepService, keepWatched, originOf, patternOf, settings } from "../lib/settings.js";
import { patternsOf } from "../lib/watching.js";
import { sure } from "./cards.js";
import { ask, button, byId, hush, make, problemText, tell, text, translate } from "./page.js";

async function show() {
  const { service, signIn, watch, locked, managed } = await settings();
  const field = /** @type {HTMLInputElement} */ (byId("service"));
  if (document.activeElement !== field) field.value = service;
  field.disabled = managed || locked;
  byId("locked").hidden = !(managed || locked);
  const held = await credentials();
  byId("sign-in").hidden = Boolean(held) || signIn === "token" || !service;
  byId("token-row").hidden = Boolean(held) || signIn === "browser" || !service;
  byId("sign-out").hidden = !held;
  byId("who").textContent = held ? text("signedIn", held.scope ? held.scope.replaceAll(" ", ", ") : text("withToken")) : text(service ? "notSignedIn" : "setServiceFirst");
  const own = /** @type {{ watch: string[] }} */ (await chrome.storage.local.get({ watch: [] }));
  byId("watched").replaceChildren(
    ...watch.map((host) => make("li", {}, host, own.watch.includes(host) ? sure(text("stopWatching"), text("stopWatchingSure"), () => unwatch(host)) : text("byPolicy"))),
  );
  byId("not-watching").hidden = watch.length > 0;
  const { origins = [] } = await chrome.permissions.getAll();
  const needed = service ? patternOf(service) : "";
  byId("permissions").replaceChildren(
    ...origins.map((origin) => make("li", {}, make("code", {}, origin), origin === needed ? text("forTheService") : button(text("takeBack"), () => chrome.permissions.remove({ origins: [origin] }).then(show)))),
  );
}

/** @param {string} host */
async function unwatch(host) {
  const { watch } = /** @type {{ watch: string[] }} */ (await chrome.storage.local.get({ watch: [] }));
  await keepWatched(watch.filter((one) => one !== host));
  await chrome.permissions.remove({ origins: patternsOf(host) }).catch(() => false);
  await ask("watched");
  await show();
}

byId("service-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const origin = originOf(/** @type {HTMLInputElement} */ (byId("service")).value);
  if (!origin) return tell("bad", text("badAddress"));
  const allowed = await chrome.permissions.request({ origins: [patternOf(origin)] }); // before any other await: it needs this click
  if (!allowed) return tell("bad", text("needsPermission"));
  await keepService(origin);
  hush();
  return show();
});
byId("sign-in").addEventListener("click", async () => {
  try {
    await ask("signIn", { interactive: true });
    hush();
  } catch {
    tell("bad", text("signInFailed"));
  }
  await show();
});
byId("token-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = /** @type {HTMLInputElement} */ (byId("token"));
  try {
    await ask("signInWithToken", { token: field.value });
    await ask("lookUp", { hashes: [{ pdq: "0".repeat(64), quality: 0 }] }); // says nothing about any picture
    field.value = "";
    hush();
  } catch (error) {
    tell("bad", problemText(/** @type {any} */ (error).kind === "signed_out" ? "expired" : /** @type {any} */ (error).kind), /** @type {any} */ (error).hint);
  }
  await show();
});
byId("sign-out").addEventListener("click", () => void ask("signOut").then(show));
chrome.storage.onChanged.addListener(() => void show());

translate();
await show();
