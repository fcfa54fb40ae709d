// What is left of each budget, and when it ends at this pace.

import { drawChart, palette } from "./charts.js";
import { ABSENT, byId, cell, fill, time } from "./dom.js";

const KEPT = 900; // half an hour of two seconds
const past = new Map();

export function showBudget(view) {
  byId("budget-trouble").hidden = view.trouble === null;
  byId("budget-trouble").textContent = view.trouble ?? "";
  const rows = view.providers.flatMap((p) => p.windows.map((w) => [
    cell(p.provider, "word"), cell(w.window), cell(p.why ? `${p.step}: ${p.why}` : p.step, p.step === "normal" ? "" : "word degraded"),
    cell(amount(w.requests, w.usd_micros, w), "number"), cell(amount(w.requests_left, w.usd_micros_left, w), "number"),
    cell(w.requests_reserved === null ? ABSENT : String(w.requests_reserved), "number"),
    cell(w.ends_ns === null ? ABSENT : time(w.ends_ns)),
    cell(w.forecast_end_ns === null ? (w.ends_ns === null ? "lasts" : "lasts until then") : `spent at ${time(w.forecast_end_ns)}`, w.forecast_end_ns === null ? "" : "word failed"),
  ]));
  fill(byId("budgets"), rows, 8, "No provider has a budget.");
  draw(view);
}

const money = (micros) => `$${(micros / 1e6).toFixed(2)}`;
const amount = (requests, micros, w) => {
  if (requests === null && micros === null) return "no limit";
  return [requests === null ? null : String(requests), w.usd_micros_limit === null || micros === null ? null : money(micros)].filter(Boolean).join(", ");
};

function draw(view) {
  const limited = view.providers.filter((p) => p.left_pct !== null);
  byId("burn").hidden = limited.length === 0;
  if (limited.length === 0) return;
  const colours = palette();
  const traces = limited.map((p, at) => {
    const points = [...(past.get(p.provider) ?? []), [view.as_of_ns / 1e6, p.left_pct]].slice(-KEPT);
    past.set(p.provider, points);
    return {
      type: "scatter", mode: "lines", name: p.provider, x: points.map(([x]) => new Date(x)), y: points.map(([, y]) => y),
      line: { color: [colours.good, colours.mock, colours.warn, colours.quiet][at % 4] }, hoverinfo: "name+y",
    };
  });
  drawChart("burn", traces, {
    height: 150, showlegend: true, legend: { orientation: "h", y: 1.2, x: 0 },
    yaxis: { range: [0, 101], ticksuffix: " %" }, xaxis: { type: "date" },
  });
}
