/**
 * Reading a picture without a capture: what the page's canvas exports, or the file itself where a permission for its host was
 * given. Used in frames of other sites and in watch mode, where the browser allows no capture.
 */
import { blobOf, hashOf } from "./picture.js";
import { patternOf } from "./settings.js";

const SIDE = 1024;
const MOST_BYTES = 60 * 2 ** 20;
const PATIENCE_MS = 15_000;

/** @param {string} url @returns {Promise<boolean>} */
export async function isAllowed(url) {
  if (!/^https?:/.test(url)) return false;
  return chrome.permissions.contains({ origins: [patternOf(new URL(url).origin)] });
}

/**
 * Fetch a picture with the extension's own rights, as the page's person would get it.
 *
 * @param {string} url
 * @returns {Promise<Blob>}
 */
export async function fetched(url) {
  const answer = await fetch(url, { credentials: "include", signal: AbortSignal.timeout(PATIENCE_MS) });
  const blob = await answer.blob();
  if (!answer.ok || !blob.type.startsWith("image/") || blob.size > MOST_BYTES) throw new Error(`${answer.status} ${blob.type}`);
  return blob;
}

/**
 * @param {import("./tab.js").Page} page
 * @param {{ id: number, urls: string[] }} item
 * @returns {Promise<{ pdq: string, quality: number } | { needs?: string, reason: string }>}
 */
export async function readDirectly(page, { id, urls }) {
  const drawn = await page.ask("drawn", { id, side: SIDE }).catch(() => null);
  if (drawn) {
    const { pdq, quality } = await hashOf(blobOf(drawn.data, drawn.type));
    return { pdq, quality };
  }
  const remote = urls.filter((url) => /^https?:/.test(url));
  for (const url of remote) {
    if (!(await isAllowed(url))) continue;
    try {
      const { pdq, quality } = await hashOf(await fetched(url));
      return { pdq, quality };
    } catch {
      // the host answers something else; the next address may do
    }
  }
  const wanted = remote.length && !(await isAllowed(remote[0])) ? new URL(remote[0]).origin : undefined;
  return { needs: wanted, reason: wanted ? "host" : "unloadable" };
}
