/* The settings: print, copy, and the zone that this browser is in. All of it works without. */

function ownZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const button = document.querySelector("[data-own-zone]");
  const list = document.getElementById("time_zone");
  if (!button) return;
  const hide = () => { button.style.visibility = "hidden"; }; // its place stays, so that nothing shifts
  if (!zone || list.value === zone || !list.querySelector(`option[value="${CSS.escape(zone)}"]`)) return hide();
  button.title = zone.replace(/_/g, " ");
  button.addEventListener("click", () => {
    list.value = zone;
    hide();
    list.focus();
  });
}

/** There is no clipboard over plain HTTP, nor where the browser refuses: what is to be copied is
    selected there, ready for the keys that copy. */
async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(source);
    button.textContent = "Selected";
  }
}

/** What is shown once comes with the answer to one press; a second would throw it away. Back on the
    page, by the browser's history, one may press again. */
function once({ target, defaultPrevented }) {
  if (defaultPrevented) return; // it is held back: offline, or on its way already
  const buttons = target.matches(".settings [method=post]") ? target.querySelectorAll("[type=submit]") : [];
  for (const button of buttons) button.disabled = true;
}

function allowAgain() {
  for (const button of document.querySelectorAll(".settings [type=submit]")) button.disabled = false;
}

document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-print]")) window.print();
  const button = target.closest("[data-copy]");
  if (button) copy(button);
});
document.addEventListener("submit", once);
addEventListener("pageshow", allowAgain);
ownZone();
document.querySelector(".side-nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
document.getElementById("new-key")?.focus();
