// Kill switches: what is held, by whom and why; engaging and releasing.

import { confirmAction } from "./actions.js";
import { ABSENT, button, byId, cell, element, fill } from "./dom.js";
import { askSoon } from "./rest.js";

const MEANS = {
  quotes: "no live quote is on the board", halts: "halts are not believed", news: "news are not believed",
  decisions: "nothing is decided", force_mock: "only the mock serves, and nothing live is traded", all: "everything stops",
};

export function showSwitches(view) {
  fill(byId("switches"), view.switches.map((one) => [
    cell(one.name, "word"), cell(one.engaged ? "ENGAGED" : "off", `word ${one.engaged ? "failed" : ""}`),
    cell(one.held.map((h) => `${h.by} (${h.source}): ${h.reason || "no reason"}`).join("; ") || ABSENT, "why"),
    element("td", "", one.engaged ? button("Release…", () => release(one.name)) : button("Engage…", () => engage(one.name))),
  ]), 4, "No switches.");
  byId("switch-trouble").hidden = view.persisted;
  byId("switch-trouble").textContent = view.persisted ? "" : `Not on the disk: ${view.trouble ?? "being written"}`;
}

function engage(name) {
  confirmAction({
    title: `Engage ${name}?`, label: "Engage", path: `v1/switches/${encodeURIComponent(name)}`, body: { engaged: true },
    says: `${MEANS[name] ?? "It is stopped"}, at once, until somebody releases it with a reason.`, needsReason: false, done: askSoon,
  });
}

function release(name) {
  confirmAction({
    title: `Release ${name}?`, label: "Release", path: `v1/switches/${encodeURIComponent(name)}`, body: { engaged: false },
    says: "What it stopped starts again at once. Say why that is safe.", done: askSoon,
  });
}

byId("stop").addEventListener("click", () => engage("all"));
byId("switch-other").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = byId("switch-name").value.trim();
  if (name) engage(name);
});
