// A line the size of a word. Its highest value is written under it, because a line without a scale says nothing.

import { duration } from "./dom.js";

const NS = "http://www.w3.org/2000/svg";
const WIDTH = 120;
const HEIGHT = 24;

export function sparkline() {
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  const line = document.createElementNS(NS, "polyline");
  svg.append(line);
  svg.draw = (values, name) => {
    const known = values.filter((value) => value !== null);
    const top = Math.max(1, ...known);
    const step = WIDTH / Math.max(1, values.length - 1);
    line.setAttribute("points", values
      .map((value, at) => (value === null ? null : `${(at * step).toFixed(1)},${(HEIGHT - 1 - (value / top) * (HEIGHT - 2)).toFixed(1)}`))
      .filter((point) => point !== null)
      .join(" "));
    const most = known.length ? `at most ${duration(top)}` : "no value yet";
    svg.setAttribute("aria-label", `${name} over two minutes, ${most}`);
    svg.nextElementSibling.textContent = `${name}, ${most}`;
  };
  return svg;
}
