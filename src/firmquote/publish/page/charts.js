// plotly.js in the page's colours. The library is large and comes when it comes: until then a chart says so.

import { byId } from "./dom.js";

const CONFIG = { displayModeBar: false, responsive: true, showTips: false, showSendToCloud: false };

export function palette() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(`--${name}`).trim();
  return { ink: get("ink"), quiet: get("quiet"), line: get("line"), good: get("good"), warn: get("warn"), bad: get("bad"), mock: get("mock") };
}

export function drawChart(id, traces, layout) {
  const box = byId(id);
  if (window.Plotly === undefined) {
    box.textContent = "The chart is being loaded…";
    return;
  }
  if (box.dataset.ready === undefined) {
    box.replaceChildren();
    box.dataset.ready = "";
  }
  const colours = palette();
  const axis = { color: colours.quiet, gridcolor: colours.line, zeroline: false, fixedrange: true, automargin: true };
  window.Plotly.react(box, traces, {
    margin: { l: 8, r: 8, t: 8, b: 24 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: colours.ink, family: "system-ui, sans-serif", size: 12 }, showlegend: false, dragmode: false,
    ...layout, xaxis: { ...axis, ...layout.xaxis }, yaxis: { ...axis, ...layout.yaxis },
  }, CONFIG);
}
