/* The settings: print, copy, and the zone that this browser is in. All of it works without. */

function ownZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const button = document.querySelector("[data-own-zone]");
  const list = document.getElementById("time_zone");
  if (!button || !zone || list.value === zone || !list.querySelector(`option[value="${CSS.escape(zone)}"]`)) return;
  button.textContent = `Use this browser's: ${zone.replace(/_/g, " ")}`;
  button.hidden = false;
  button.addEventListener("click", () => {
    list.value = zone;
    button.hidden = true;
    list.focus();
  });
}

async function copy(button) {
  const text = document.getElementById(button.dataset.copy).textContent;
  await navigator.clipboard.writeText(text);
  button.textContent = "Copied";
}

document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-print]")) window.print();
  const button = target.closest("[data-copy]");
  if (button) copy(button);
});
ownZone();
document.querySelector(".side-nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
document.getElementById("new-key")?.focus();
