// Small pieces that every section uses: elements and how values are written.

export const byId = (id) => document.getElementById(id);
export const ABSENT = "–";
export const words = (text) => text.replaceAll("_", " ");
export const price = (value) => (value === null ? ABSENT : value.toFixed(2));
export const percent = (share) => (share === null ? ABSENT : `${(share * 100).toFixed(1)} %`);
export const clock = (ms) => new Date(ms).toLocaleTimeString([], { hourCycle: "h23" });
export const time = (ns) => clock(ns / 1e6);

export function duration(ms) {
  if (ms === null) return ABSENT;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`;
}

export function element(name, className = "", ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

export const cell = (text, className = "") => element("td", className, text);

export function button(label, act, className = "") {
  const made = element("button", className, label);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

// Rows are replaced only when they differ, so that a click or a selection survives the next half second.
export function fill(body, rows, columns, empty) {
  if (rows.length === 0) {
    const only = cell(empty, "quiet");
    only.colSpan = columns;
    rows = [[only]];
  }
  const labels = [...body.closest("table").querySelectorAll("th")].map((head) => head.textContent);
  for (const cells of rows.filter((one) => one.length > 1)) cells.forEach(label(labels));
  const fresh = rows.map((cells) => element("tr", "", ...cells));
  fresh.forEach((row, at) => {
    const shown = body.children[at];
    if (shown === undefined) body.append(row);
    else if (!shown.isEqualNode(row)) replace(shown, row);
  });
  while (body.children.length > fresh.length) body.lastElementChild.remove();
}

// On a narrow window each row is a block of its own: there a cell names its column, and an empty one is left out.
const label = (labels) => (made, at) => {
  if (!made.querySelector("button")) made.dataset.label = labels[at];
  if (!made.textContent || made.textContent === ABSENT) made.classList.add("nothing");
};

// Keeps the keyboard's place: a row whose button has the focus gives it to the same button of its successor.
function replace(shown, fresh) {
  const at = [...shown.querySelectorAll("button")].indexOf(document.activeElement);
  shown.replaceWith(fresh);
  if (at >= 0) fresh.querySelectorAll("button")[at]?.focus();
}
