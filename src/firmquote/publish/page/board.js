// The board and the decisions that were made on it.

import { ABSENT, byId, cell, duration, fill, price, words } from "./dom.js";

let quotes = [];

export function showBoard(fresh) {
  quotes = fresh;
  const firm = quotes.filter((q) => q.grade === "firm").length;
  byId("quotes-count").textContent = `${firm} of ${quotes.length} firm`;
  showQuotes();
}

function showQuotes() {
  const wanted = byId("find").value.trim().toUpperCase();
  const rows = quotes.filter((q) => q.symbol.includes(wanted)).map((q) => [
    cell(q.symbol, "word"), cell(q.halted ? `${q.grade}, halted` : q.grade, `word ${q.grade}`),
    cell(price(q.bid), "number"), cell(price(q.ask), "number"), cell(price(q.last), "number"),
    cell(q.spread_bps === null ? ABSENT : `${q.spread_bps.toFixed(1)} bps`, "number"),
    cell(duration(q.age_ms), "number"), cell(q.provider ?? ABSENT), cell(q.reasons.map(words).join(", "), "why"),
  ]);
  fill(byId("quotes"), rows, 9, wanted ? `No symbol contains ${wanted}.` : "No symbols are served.");
}

export function showDecisions(decisions) {
  fill(byId("decisions"), decisions.map((d) => [
    cell(d.symbol, "word"), cell(words(d.intent), `word ${d.intent}`), cell(d.fused_score.toFixed(2), "number"),
    cell(d.gates_blocked.map((b) => `${words(b.gate)}: ${b.saw}`).join("; ") || ABSENT, "why"),
    cell(d.what_would_change_it.join("; ") || ABSENT, "why"),
  ]), 5, "Nothing was decided yet.");
}

byId("find").addEventListener("input", showQuotes);
