// The page. What is pushed is shown at once; nothing is computed that the gateway did not say.

import { showBoard, showDecisions } from "./board.js";
import { byId } from "./dom.js";
import { listen } from "./live.js";
import { askSoon, watchTheRest } from "./rest.js";
import { showProviders } from "./providers.js";
import { showGates } from "./rollout.js";
import { addChange, showTimeline } from "./timeline.js";

const OVERALL = { healthy: "All well", degraded: "Degraded", failed: "Failed: do not trade" };

function showOverall(health) {
  const text = OVERALL[health.status];
  byId("overall").className = `pill ${health.status}`;
  if (byId("overall-text").textContent !== text) byId("overall-text").textContent = text;
  byId("overall-why").textContent = health.reasons.join(" · ");
  document.title = `${text} · Firmquote`;
  byId("serving").textContent =
    `${health.active_provider ?? "nobody"} serves · session ${health.session} · stage ${health.expansion_state}`;
}

listen({
  onState: ({ quotes, health, decisions }) => {
    showOverall(health);
    showProviders(health.providers);
    showBoard(quotes);
    showTimeline(health);
    showDecisions(decisions);
    showGates(health);
  },
  onChange: (change) => {
    addChange(change);
    askSoon();
  },
});
watchTheRest();
