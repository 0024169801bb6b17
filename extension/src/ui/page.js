/** What the extension's pages share: texts in the user's language, elements without HTML, questions to the worker. */
import { text } from "../lib/browser.js";

export { text };

export class Failed extends Error {
  /** @param {{ kind: string, message: string, hint: string }} problem */
  constructor({ kind, message, hint }) {
    super(message);
    this.kind = kind;
    this.hint = hint;
  }
}

/** @template {HTMLElement} [T=HTMLElement] @param {string} id @returns {T} */
export function byId(id) {
  return /** @type {T} */ (document.getElementById(id));
}

/**
 * @param {string} what
 * @param {Record<string, unknown>} [more]
 * @returns {Promise<any>}
 */
export async function ask(what, more = {}) {
  const answer = await chrome.runtime.sendMessage({ ask: what, ...more });
  if (answer?.error) throw new Failed(answer.error);
  return answer?.value;
}

export function translate() {
  document.documentElement.lang = chrome.i18n.getUILanguage();
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = text(/** @type {HTMLElement} */ (element).dataset.text ?? "");
  }
}

/**
 * Make an element; children that are text stay text.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Record<string, any>} [properties]
 * @param {(Node | string | null | undefined | false)[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  Object.assign(element, properties);
  element.append(.../** @type {(Node | string)[]} */ (children.filter(Boolean)));
  return element;
}

/** @param {string} label @param {() => unknown} act @param {string} [look] */
export function button(label, act, look = "button quiet") {
  const made = make("button", { type: "button", className: look }, label);
  made.addEventListener("click", async () => {
    made.disabled = true;
    try {
      await act();
    } catch (error) {
      tell("bad", problemText(/** @type {any} */ (error).kind ?? "unexpected"), /** @type {any} */ (error).hint);
    } finally {
      made.disabled = false;
    }
  });
  return made;
}

/**
 * Draw a list anew; whoever was on one of its buttons with the keyboard stays there.
 *
 * @param {HTMLElement} list
 * @param {HTMLElement[]} cards
 */
export function renew(list, cards) {
  const reachable = "button, a, input, textarea";
  const held = [...list.querySelectorAll(reachable)].indexOf(/** @type {Element} */ (document.activeElement));
  list.replaceChildren(...cards);
  if (held < 0) return;
  const now = /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll(reachable));
  now[Math.min(held, now.length - 1)]?.focus();
}

/** @param {string} kind @param {string} message @param {...(Node | string | null | undefined)} more */
export function tell(kind, message, ...more) {
  byId("notice").replaceChildren(make("div", { className: kind }, make("p", {}, message), ...more.map((part) => (typeof part === "string" ? make("p", { className: "help" }, part) : part))));
}

export function hush() {
  byId("notice").replaceChildren();
}

const PROBLEMS = new Set(["unset", "offline", "signed_out", "expired", "forbidden", "busy", "refused", "not_allowed", "not_in_front", "not_shown", "not_found"]);

/** @param {string} problem What happened, and what to do. */
export function problemText(problem) {
  return text(PROBLEMS.has(problem) ? `problem_${problem}` : "problem_unexpected");
}
