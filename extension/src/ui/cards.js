/** Cards of the panel: pictures found, files given, sightings sent. */
import { words } from "../lib/verdicts.js";
import { ask, button, make, text } from "./page.js";

/** @typedef {import("../lib/scans.js").Item} Item */

/** @param {string | undefined} thumb */
function face(thumb) {
  return thumb ? make("img", { src: thumb, alt: "" }) : make("span", { className: "blank" });
}

/**
 * A picture of the page.
 *
 * @param {Item} item
 * @param {{ tab: number, report: (item: Item, wish: object) => Promise<unknown>, progress?: any, allow: (origin: string) => Promise<unknown> }} acts
 */
export function pictureCard(item, { tab, report, progress, allow }) {
  const card = make("li", { className: "card" }, face(item.thumb));
  card.append(make("span", { className: `tag ${item.verdict}` }, words(item)));
  if (item.title) card.append(make("h3", {}, item.title));
  if (item.name) card.append(make("p", { className: "help" }, item.name.slice(0, 120)));
  if (item.verdict === "unreadable") card.append(make("p", { className: "help" }, text(`reason_${item.reason ?? "flat"}`)));
  if (item.verdict === "candidate") card.append(make("p", { className: "help" }, text("candidateHelp")));
  const acts = make("div", { className: "actions" });
  if (item.needs) acts.append(button(text("allowHost", new URL(item.needs).host), () => allow(item.needs ?? "")));
  if (item.id > 0) acts.append(button(text("showIt"), () => ask("focus", { tab, frame: item.frame, id: item.id })));
  if (progress) card.append(progressOf(progress));
  else if (item.kind !== "frame") acts.prepend(reportButton(card, item, report));
  card.append(acts);
  return card;
}

/** @param {any} progress */
function progressOf(progress) {
  const line = make("p", { className: "help" }, text(`step_${progress.step}`, progress.done ?? 0, progress.of ?? 0));
  line.setAttribute("role", "status");
  return line;
}

/**
 * The report is confirmed with what exactly will be sent.
 *
 * @param {HTMLElement} card
 * @param {Item} item
 * @param {(item: Item, wish: object) => Promise<unknown>} report
 */
function reportButton(card, item, report) {
  const ours = item.verdict === "ours";
  const open = button(text(ours ? "reportThis" : "flagThis"), () => {
    const screenshot = make("input", { type: "checkbox", checked: true });
    const film = make("input", { type: "checkbox", checked: true });
    const notes = make("textarea", { rows: 2, maxLength: 4000 });
    notes.setAttribute("aria-label", text("notes"));
    notes.placeholder = text("notes");
    const box = make(
      "div",
      { className: "confirm" },
      make("p", {}, text("sends")),
      make("ul", {}, make("li", {}, text("sendsPicture")), make("li", {}, text("sendsPage")), make("li", {}, text("sendsHow"))),
      make("label", { className: "check" }, screenshot, make("span", {}, text("sendsScreenshot"))),
      item.kind === "video" && make("label", { className: "check" }, film, make("span", {}, text("sendsFilm"))),
      notes,
      make(
        "div",
        { className: "actions" },
        button(text("send"), () => {
          box.remove(); // the list may be drawn anew, with how far it is
          return report(item, { screenshot: screenshot.checked, film: film.checked, notes: notes.value.trim() });
        }, "button"),
        button(text("cancel"), () => {
          box.remove();
          open.hidden = false;
          open.focus();
        }),
      ),
    );
    open.hidden = true;
    card.append(box);
    box.querySelector("button")?.focus();
  }, ours ? "button" : "button quiet");
  return open;
}

/**
 * A sighting that is still here.
 *
 * @param {import("../lib/outbox.js").Waiting} one
 * @param {() => Promise<unknown>} discard
 */
export function waitingCard(one, discard) {
  const why = one.problem ? text(one.stuck ? "stuck" : "waitingWith", one.hint ?? "") : text("step_queued");
  return make(
    "li",
    { className: "card" },
    face(one.thumb),
    make("span", { className: "tag" }, text(one.stuck ? "notSent" : "waiting")),
    make("p", {}, String(one.evidence.title ?? one.page_url ?? text("file"))),
    make("p", { className: "help" }, why),
    make("div", { className: "actions" }, button(text("tryAgain"), () => ask("retry", { key: one.key })), sure(text("discard"), text("discardSure"), discard)),
  );
}

/**
 * A sighting that the service has.
 *
 * @param {any} one
 * @param {any} shown What the service says of it now; undefined while it cannot be asked.
 * @param {{ service: string, forget: () => Promise<unknown> }} acts
 */
export function sightingCard(one, shown, { service, forget }) {
  const [tag, label] = standing(shown);
  const named = (shown?.named ?? []).map((/** @type {any} */ copy) => make("p", { className: "named" }, make("strong", {}, copy.statement)));
  const running = shown && !shown.trace_ended && make("progress", { max: 1, value: shown.progress, ariaLabel: label });
  const restrained = named.length > 0 && make("p", { className: "help" }, text("notAPerson"));
  return make(
    "li",
    { className: "card" },
    face(one.thumb),
    make("span", { className: `tag ${tag}` }, label),
    make("p", {}, String(one.title ?? one.page_url ?? text("file"))),
    ...named,
    restrained,
    running,
    shown?.trace_ended && !named.length && (shown.hint || shown.reason) && make("p", { className: "help" }, shown.hint ?? shown.reason),
    make("p", { className: "when" }, new Date(one.created).toLocaleString(chrome.i18n.getUILanguage())),
    make(
      "div",
      { className: "actions" },
      make("a", { href: `${service}/console/sightings/${encodeURIComponent(one.sighting)}`, target: "_blank", rel: "noreferrer" }, text("openCase")),
      sure(text("forgetIt"), text("forgetSure"), forget),
    ),
  );
}

/** @param {any} shown @returns {[tag: string, label: string]} */
function standing(shown) {
  if (!shown) return ["", text("case_unknown")];
  if (shown.state === "failed") return ["", text("case_failed")];
  if (shown.outcome) return [shown.outcome, text(`case_${shown.outcome}`)];
  if (shown.trace_ended) return [shown.ours ? "ours" : "", text(shown.ours ? "case_ended_ours" : "case_ended")];
  return ["", text(shown.ours ? "case_tracing_ours" : "case_tracing")];
}

/** A button that asks once more. @param {string} label @param {string} question @param {() => Promise<unknown>} act */
export function sure(label, question, act) {
  const first = button(label, () => {
    const second = button(question, act, "button danger");
    first.replaceWith(second);
    second.focus();
    second.addEventListener("blur", () => setTimeout(() => second.isConnected && !second.disabled && second.replaceWith(first), 200));
  });
  return first;
}
