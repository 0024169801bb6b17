/** The context menu. */
import { text } from "./browser.js";

export const CHECK = "check";
export const REGION = "region";

export function makeMenus() {
  chrome.contextMenus.removeAll(() => {
    chrome.contextMenus.create({ id: CHECK, title: text("checkThis"), contexts: ["image", "video", "link"] });
    chrome.contextMenus.create({ id: REGION, title: text("pickRegion"), contexts: ["page", "frame", "video", "image", "selection"] });
  });
}
