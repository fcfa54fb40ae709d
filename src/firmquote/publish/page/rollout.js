// The stage, the promotion gates and what they miss.

import { confirmAction } from "./actions.js";
import { ABSENT, button, byId, cell, fill, words } from "./dom.js";
import { askSoon } from "./rest.js";

const ACTIONS = [
  ["promote", "Promote", {}, "One stage up, if every gate passes."],
  ["rollback", "Rollback", {}, "Back to a stage that risks less, at once."],
];
const HOLD = ["hold", "Hold", {}, "No promotion until somebody lets it go on."];
const LET_GO = ["hold", "Let go on", { held: false }, "Promotions are possible again, where every gate passes."];

export function showGates(health) {
  const gates = Object.entries(health.promotion_gates);
  const passed = gates.filter(([, gate]) => gate.status === "PASS").length;
  byId("stage").textContent = `stage ${words(health.expansion_state)}`;
  byId("gates-words").textContent = gates.length
    ? `${passed} of ${gates.length} gates pass; ${health.can_promote_to_live ? "may be promoted" : "may not be promoted"}`
    : "no gate is measured";
  byId("gates-progress").value = gates.length ? passed / gates.length : 0;
  fill(byId("gates"), gates.map(([name, gate]) => [
    cell(words(name), "word"), cell(gate.status, `word ${gate.status}`), cell(amount(gate.current, gate.unit), "number"),
    cell(amount(gate.threshold, gate.unit), "number"), cell(String(gate.samples), "number"), cell(gate.message, "why"),
  ]), 6, "No gate is measured.");
}

export function showRollout(view) {
  const missing = [view.held && `held: ${view.held}`, ...view.obstacles].filter(Boolean);
  byId("rollout-missing").textContent = missing.length ? `In the way of the next stage: ${missing.join("; ")}` : "Nothing is in the way of the next stage.";
  const box = byId("rollout-actions");
  const held = String(view.held !== null);
  if (box.dataset.held === held) return;
  box.dataset.held = held;
  box.hidden = false;
  box.replaceChildren(...[...ACTIONS, view.held === null ? HOLD : LET_GO].map(([name, label, body, says]) => button(`${label}…`, () => confirmAction({
    title: `${label}?`, says, label, path: `v1/rollout/${name}`, body, done: askSoon,
  }))));
}

const amount = (value, unit) => (value === null ? ABSENT : `${Number(value.toPrecision(4))} ${unit === "share" ? "" : unit}`.trim());
