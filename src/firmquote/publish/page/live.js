// The connection. A number is shown as live only while the gateway goes on talking.

import { byId, clock } from "./dom.js";

const SILENT_MS = 2500;
const LOOK_MS = 250;
let heardAt = null;

export function listen({ onState, onChange }) {
  const source = new EventSource("v1/events/stream");
  source.addEventListener("state", (event) => {
    heardAt = Date.now();
    showLive();
    onState(JSON.parse(event.data));
  });
  source.addEventListener("change", (event) => onChange(JSON.parse(event.data)));
  source.addEventListener("error", () => {
    showLost();
    // A browser gives up for good on some refusals; the page does not.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen({ onState, onChange }), 1000);
  });
  const looking = setInterval(() => {
    if (source.readyState === EventSource.CLOSED) clearInterval(looking);
    if (heardAt !== null && Date.now() - heardAt > SILENT_MS) showLost();
  }, LOOK_MS);
}

export const isLive = () => document.body.dataset.state === "live";
export const isLost = () => document.body.dataset.state === "lost";

function showLive() {
  if (isLost()) for (const made of document.querySelectorAll("main button")) made.disabled = false;
  document.body.dataset.state = "live";
  byId("lost").hidden = true;
  byId("clock").textContent = clock(heardAt);
}

function showLost() {
  document.body.dataset.state = "lost";
  byId("lost").hidden = false;
  const since = heardAt === null ? "nothing ever came" : `the last of it came at ${clock(heardAt)}`;
  if (byId("lost-since").textContent !== since) byId("lost-since").textContent = since;
  byId("overall").className = "pill failed";
  if (byId("overall-text").textContent !== "Disconnected") byId("overall-text").textContent = "Disconnected";
  document.title = "Disconnected · Firmquote";
  for (const made of document.querySelectorAll("main button")) made.disabled = true;
}
