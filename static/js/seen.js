/* What is costly to bring anew comes only while somebody sees the page: every half minute, and when
   something has happened. What was left out while it was hidden comes at once with the next look. */

const EVERY_MS = 30_000;
let isDue = false;

function ask() {
  isDue = document.hidden;
  if (isDue) return;
  for (const part of document.querySelectorAll("[data-seen]")) window.htmx.trigger(part, "seen");
}

setInterval(ask, EVERY_MS);
document.addEventListener("refresh", ({ target }) => {
  if (target.matches("[data-seen]")) ask();
});
document.addEventListener("visibilitychange", () => {
  if (isDue) ask();
});
