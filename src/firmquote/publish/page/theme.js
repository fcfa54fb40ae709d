// Runs before the first paint, so that a page in the dark never flashes white.
"use strict";

const THEMES = ["system", "light", "dark"];
let theme = "system";
try {
  theme = localStorage.getItem("firmquote-theme") ?? "system";
} catch {
  // storage is refused: the system decides
}
document.documentElement.dataset.theme = theme;

addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("theme");
  const say = () => { button.textContent = `Colours: ${theme}`; };
  say();
  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("firmquote-theme", theme);
    } catch {
      // it lasts until the page is closed
    }
    say();
    dispatchEvent(new Event("theme"));
  });
});
