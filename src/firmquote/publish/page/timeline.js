// Who served when: bars over ten minutes, and every change with its cause.

import { drawChart, palette } from "./charts.js";
import { ABSENT, byId, cell, clock, fill, time, words } from "./dom.js";

const SHOWN = 100;
const WINDOW_MS = 600_000;
const changes = [];
let startedAt = null;
let drawnAt = 0;

export function addChange(change) {
  if (changes.some((known) => known.sequence === change.sequence)) return;
  changes.push(change);
  if (changes.length > 1000) changes.shift();
  drawnAt = 0;
  fill(byId("changes"), changes.slice(-SHOWN).reverse().map((c) => [
    cell(time(c.at_ns)), cell(words(c.kind), "word"), cell(c.provider),
    cell(c.before === c.after ? ABSENT : `${c.before ?? ABSENT} → ${c.after ?? ABSENT}`, c.kind === "status" ? c.after ?? "" : ""), cell(c.cause, "why"),
  ]), 5, "Nothing has changed yet.");
}

export function showTimeline(health) {
  const now = health.as_of_ns / 1e6;
  startedAt ??= Math.min(now, ...changes.map((c) => c.at_ns / 1e6));
  if (Date.now() - drawnAt < 2000) return;
  drawnAt = Date.now();
  const spans = servingSpans(health, now);
  const names = health.providers.map((p) => p.name).reverse();
  const colours = palette();
  drawChart("timeline", [{
    type: "bar", orientation: "h",
    y: spans.map((s) => s.name), base: spans.map((s) => new Date(s.from)), x: spans.map((s) => s.to - s.from),
    marker: { color: spans.map((s) => (s.name === "mock" ? colours.mock : colours.good)) },
    hovertext: spans.map((s) => `${s.name} served from ${clock(s.from)}`), hoverinfo: "text",
  }], {
    height: 60 + 26 * names.length,
    xaxis: { type: "date", range: [new Date(Math.max(startedAt, now - WINDOW_MS)), new Date(Math.max(now, startedAt + 10_000))] },
    yaxis: { type: "category", categoryorder: "array", categoryarray: names, range: [-0.5, names.length - 0.5] },
    bargap: 0.35,
  });
}

function servingSpans(health, now) {
  const roles = changes.filter((c) => c.kind === "role");
  const spans = [];
  let name = roles.length ? roles[0].before : health.active_provider;
  let from = Math.min(startedAt, roles.length ? roles[0].at_ns / 1e6 : startedAt);
  for (const change of roles) {
    if (name !== null) spans.push({ name, from, to: change.at_ns / 1e6 });
    name = change.after;
    from = change.at_ns / 1e6;
  }
  if (name !== null) spans.push({ name, from, to: now });
  return spans.filter((s) => s.to >= now - WINDOW_MS);
}
