// One card a provider: what it is worth, how it has been, and the evidence of silence.

import { confirmAction } from "./actions.js";
import { ABSENT, button, byId, duration, element, percent, words } from "./dom.js";
import { sparkline } from "./sparkline.js";

const KEPT = 240; // two minutes of half seconds
const history = new Map();

export function showProviders(providers) {
  const box = byId("providers");
  const names = providers.map((p) => p.name).join();
  if (box.dataset.names !== names) {
    box.replaceChildren(...providers.map(makeCard));
    box.dataset.names = names;
  }
  providers.forEach((p, at) => update(box.children[at], p));
}

function makeCard(p) {
  const card = element("article", "card");
  card.dataset.name = p.name;
  const head = element("div", "title", element("h3", "", p.title), element("span", "role"));
  const facts = element("dl", "facts");
  for (const name of ["Success", "Latency p95", "Last price", "Quotes/s", "Refused", "Breaker", "Silence", "Budget left"]) {
    facts.append(element("div", "", element("dt", "", name), element("dd")));
  }
  const lines = element("div", "lines");
  for (const name of ["Latency", "Staleness"]) {
    lines.append(element("figure", "", sparkline(), element("figcaption", "quiet", name)));
  }
  const act = button("Activate…", () => confirmAction({
    title: `Activate ${p.title}?`,
    says: `${p.title} serves every symbol from now on, until it fails or another one is activated.`,
    label: "Activate",
    path: `v1/providers/${encodeURIComponent(p.name)}/activate`,
    body: {},
  }));
  card.append(head, element("p", "status"), facts, lines, act);
  return card;
}

// The score is 1 at a silence; the strongest evidence is named beside it.
function silence(p) {
  if (p.role === "mock") return ABSENT;
  if (p.silence_score === null) return p.silence_suspicion === null ? "polled" : `φ ${p.silence_suspicion.toFixed(1)}`;
  const [name, value] = Object.entries(p.silence_evidence).filter(([key]) => !/_(ms|s)$/.test(key)).sort((a, b) => b[1] - a[1])[0] ?? ["", 0];
  return value > 0.1 ? `${p.silence_score.toFixed(2)} (${words(name)})` : p.silence_score.toFixed(2);
}

function update(card, p) {
  const past = history.get(p.name) ?? { latency: [], staleness: [] };
  past.latency = [...past.latency, p.p95_latency_ms].slice(-KEPT);
  past.staleness = [...past.staleness, p.staleness_ms].slice(-KEPT);
  history.set(p.name, past);
  card.className = `card ${p.status === "failed" ? "failed" : p.role}`;
  const set = (at, text, className = "") => {
    at.textContent = text;
    at.className = className;
  };
  set(card.querySelector(".role"), p.role, `role pill ${p.role}`);
  set(card.querySelector(".status"), p.why ? `${p.status}: ${p.why}` : p.status, `status word ${p.status}`);
  const values = [
    percent(p.success_rate), duration(p.p95_latency_ms), p.staleness_ms === null ? "never" : `${duration(p.staleness_ms)} ago`,
    p.quotes_per_s === null ? ABSENT : p.quotes_per_s.toFixed(1), String(p.rejected), words(p.breaker),
    silence(p),
    p.budget_left_pct === null ? ABSENT : `${p.budget_left_pct.toFixed(0)} %`,
  ];
  card.querySelectorAll("dd").forEach((at, index) => { at.textContent = values[index]; });
  const [latency, staleness] = card.querySelectorAll("svg");
  latency.draw(past.latency, "latency");
  staleness.draw(past.staleness, "staleness");
  card.querySelector("button").disabled = p.role === "active";
}
