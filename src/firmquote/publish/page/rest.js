// What changes rarely is asked for: alerts, switches, budgets and the rollout, every two seconds and after each change.

import { showAlerts } from "./alerts.js";
import { showBudget } from "./budget.js";
import { isLive, isLost } from "./live.js";
import { showRollout } from "./rollout.js";
import { showSwitches } from "./switches.js";

const EVERY_MS = 2000;
const GIVE_UP_MS = 3000;
const ASKED = [["v1/alerts", showAlerts], ["v1/switches", showSwitches], ["v1/budget", showBudget], ["v1/rollout", showRollout]];
let asking = false;

async function ask(path, show) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(GIVE_UP_MS), cache: "no-store" });
  const said = answer.ok ? await answer.json() : null;
  if (said !== null && !isLost()) show(said);
}

export async function askSoon() {
  if (asking) return;
  asking = true;
  await Promise.allSettled(ASKED.map(([path, show]) => ask(path, show)));
  asking = false;
}

export function watchTheRest() {
  askSoon();
  setInterval(() => { if (isLive()) askSoon(); }, EVERY_MS);
}
