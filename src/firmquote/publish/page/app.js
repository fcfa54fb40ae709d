// The page asks once a second and never shows an old answer as a live one.
"use strict";

const EVERY_MS = 1000;
const GIVE_UP_MS = 3000;
const byId = (id) => document.getElementById(id);
let answeredAt = null;
let quotes = [];

const words = (text) => text.replaceAll("_", " ");
const price = (value) => (value === null ? "–" : value.toFixed(2));
const percent = (value) => (value === null ? "–" : `${(value * 100).toFixed(1)} %`);
const duration = (ms) => {
  if (ms === null) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60000)} min`;
};

function cell(text, className = "") {
  const td = document.createElement("td");
  td.textContent = text;
  td.className = className;
  return td;
}

function fill(id, rows, columns, empty) {
  const body = byId(id);
  if (rows.length === 0) {
    const td = cell(empty, "quiet");
    td.colSpan = columns;
    rows = [[td]];
  }
  body.replaceChildren(...rows.map((cells) => {
    const tr = document.createElement("tr");
    tr.append(...cells);
    return tr;
  }));
}

function showQuotes() {
  const wanted = byId("find").value.trim().toUpperCase();
  const rows = quotes.filter((q) => q.symbol.includes(wanted)).map((q) => [
    cell(q.symbol, "word"), cell(q.grade, `word ${q.grade}`),
    cell(price(q.bid), "number"), cell(price(q.ask), "number"), cell(price(q.last), "number"),
    cell(q.spread_bps === null ? "–" : `${q.spread_bps.toFixed(1)} bps`, "number"),
    cell(duration(q.age_ms), "number"), cell(q.provider ?? "–"), cell(q.reasons.map(words).join(", "), "why"),
  ]);
  fill("quotes", rows, 9, wanted ? `No symbol contains ${wanted}.` : "No symbols are served.");
}

function showHealth(health) {
  const text = { healthy: "All well", degraded: "Degraded", failed: "Failed: do not trade" }[health.status];
  byId("overall").className = `word ${health.status}`;
  byId("overall-text").textContent = `${text} · ${health.active_provider ?? "nobody"} serves · session: ${health.session}`;
  const change = health.last_role_change;
  if (change !== null) {
    const at = new Date(change.at_ns / 1e6).toLocaleTimeString();
    byId("role-change").textContent = `${at}: ${change.before} → ${change.after}, because ${change.cause}.`;
  }
  fill("providers", health.providers.map((p) => [
    cell(p.title, "word"), cell(p.role), cell(p.status, `word ${p.status}`),
    cell(percent(p.success_rate), "number"), cell(duration(p.p95_latency_ms), "number"),
    cell(p.staleness_ms === null ? "never" : `${duration(p.staleness_ms)} ago`, "number"),
    cell(p.quotes_per_s === null ? "–" : p.quotes_per_s.toFixed(1), "number"),
    cell(String(p.rejected), "number"), cell(p.why, "why"),
  ]), 9, "No providers.");
}

function showDecisions(decisions) {
  fill("decisions", decisions.map((d) => [
    cell(d.symbol, "word"), cell(words(d.intent), `word ${d.intent}`), cell(d.fused_score.toFixed(2), "number"),
    cell(d.gates_blocked.map((b) => `${words(b.gate)}: ${b.saw}`).join("; ") || "–", "why"),
    cell(d.what_would_change_it.join("; ") || "–", "why"),
  ]), 5, "Nothing was decided yet.");
}

async function ask(path) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(GIVE_UP_MS), cache: "no-store" });
  return answer.json();
}

function showLost() {
  document.body.dataset.state = "lost";
  byId("lost").hidden = false;
  byId("lost-since").textContent = answeredAt ? `the last answer came at ${answeredAt.toLocaleTimeString()}` : "nothing ever came";
  byId("overall").className = "word failed";
  byId("overall-text").textContent = "Disconnected";
}

async function refresh() {
  try {
    const [board, health, decisions] = await Promise.all(["/v1/quotes", "/healthz/providers", "/v1/decisions"].map(ask));
    answeredAt = new Date();
    quotes = board;
    document.body.dataset.state = "live";
    byId("lost").hidden = true;
    byId("clock").textContent = answeredAt.toLocaleTimeString();
    showQuotes();
    showHealth(health);
    showDecisions(decisions);
  } catch {
    showLost();
  }
  setTimeout(refresh, EVERY_MS);
}

byId("find").addEventListener("input", showQuotes);
refresh();
