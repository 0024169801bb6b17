/** The context menu. Two entries for one thing would be put into a submenu, which costs a click. */
import { text } from "./browser.js";

export const CHECK = "check";
export const REGION = "region";

export function makeMenus() {
  chrome.contextMenus.removeAll(() => {
    chrome.contextMenus.create({ id: CHECK, title: text("checkThis"), contexts: ["image", "video", "link"] });
    chrome.contextMenus.create({ id: REGION, title: text("pickRegion"), contexts: ["page", "frame", "selection"] });
  });
}
