// What fires, worst first, each with the way to its runbook section.

import { confirmAction } from "./actions.js";
import { button, byId, element, time, words } from "./dom.js";
import { askSoon } from "./rest.js";

export function showAlerts(report) {
  const firing = report.alerts.filter((alert) => alert.state !== "resolved");
  byId("alerts-title").textContent = firing.length ? `Alerts: ${firing.length}` : "Alerts";
  const broken = Object.entries(report.channels).filter(([, state]) => state !== "ok" && state !== "unused");
  const items = firing.map(item);
  const nobody = Object.keys(report.channels).length === 0;
  const channels = nobody ? "No channel is configured: an alert would be seen here and in the log alone." : broken.length ? "" : "Every channel is well.";
  if (!items.length) items.push(element("li", "quiet", `No alert fires. ${channels}`));
  const list = byId("alerts");
  items.forEach((fresh, at) => {
    const shown = list.children[at];
    if (shown === undefined) list.append(fresh);
    else if (!shown.isEqualNode(fresh)) shown.replaceWith(fresh);
  });
  while (list.children.length > items.length) list.lastElementChild.remove();
}

function item(alert) {
  const link = element("a", "", "what to do");
  link.href = alert.runbook;
  link.target = "_blank";
  link.rel = "noopener";
  const taken = alert.acknowledged_by;
  const last = taken
    ? element("span", "quiet", `${taken}: ${alert.acknowledged_because}`)
    : button("I take it…", () => confirmAction({
      title: `Take ${words(alert.name)} ${alert.subject}?`,
      says: "Nobody is reminded of it, and it is not escalated, until it resolves.",
      label: "Take it",
      path: `v1/alerts/${alert.id}/acknowledge`,
      body: {},
      done: askSoon,
    }));
  return element("li", `alert ${alert.severity}`,
    element("span", "word", `${words(alert.name)} ${alert.subject}`.trim()), element("span", "", alert.words),
    element("span", "quiet", `since ${time(alert.since_ns)}`), link, last);
}
