/* Keys: / find, B and S side, Q quantity, T type, comma and point for shorter and longer bars,
   1 2 3 the tabs, H hide amounts, Enter review, Esc close, ? help. Off while typing, with a
   modifier, or when switched off in the settings or in the help. */

const help = document.getElementById("keys");
const isOn = () => document.body.dataset.shortcuts !== "off";

function focus(id) {
  const field = document.getElementById(id);
  if (!field) return false;
  document.dispatchEvent(new CustomEvent("bengi:ticket"));
  field.focus();
  field.select?.();
  return true;
}

function side(value) {
  const radio = document.querySelector(`#ticket-form [name=side][value=${value}]`);
  if (!radio) return false;
  document.dispatchEvent(new CustomEvent("bengi:ticket"));
  radio.click();
  radio.focus();
  return true;
}

function review() {
  const form = document.getElementById("ticket-form");
  if (!form) return false;
  form.requestSubmit();
  return true;
}

/** The server hides them: the page comes again, without the amounts in it. */
function hide() {
  const form = document.querySelector("[data-discreet-form]");
  form?.requestSubmit();
  return Boolean(form);
}

/** Bars of the next length, shorter or longer. */
function bars(way) {
  if (!document.querySelector(".chart")) return false;
  document.dispatchEvent(new CustomEvent("bengi:bars", { detail: way }));
  return true;
}

function tab(name) {
  const link = document.querySelector(`[data-tab="${name}"]`);
  link?.click();
  return Boolean(link);
}

const KEYS = {
  "/": () => focus("find"),
  q: () => focus(document.querySelector(".if-amount")?.checkVisibility() ? "notional" : "quantity"),
  t: () => focus("type"),
  b: () => side("buy"),
  s: () => side("sell"),
  h: hide,
  ",": () => bars(-1),
  ".": () => bars(1),
  1: () => tab("positions"),
  2: () => tab("orders"),
  3: () => tab("fills"),
  Enter: review,
  "?": () => help && (help.open ? help.close() : help.showModal(), true),
};

function isTyping(target) {
  return target.matches("input:not([type=radio], [type=checkbox]), select, textarea");
}

/** Enter belongs to a link, a button or a disclosure that has the focus. */
function isTaken(event) {
  return event.key === "Enter" && event.target.closest("a, button, summary, dialog, form");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !isOn()) return;
  if (isTyping(event.target) || isTaken(event)) return;
  if (document.querySelector("dialog[open]") && event.key !== "?") return;
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (act?.()) event.preventDefault();
});

const toggle = document.getElementById("keys-on");
if (toggle) {
  toggle.addEventListener("change", () => {
    document.body.dataset.shortcuts = toggle.checked ? "on" : "off";
    const data = new FormData(toggle.form);
    data.set("to", document.body.dataset.shortcuts);
    fetch(toggle.form.action, { method: "POST", body: data });
  });
}
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-help]")) help?.showModal();
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
});
