/* What htmx could not send or fetch, told in plain words where it belongs, with a way to try again.
   Fields stay as they are. Whatever asks by hx-* has this for nothing; data-silent-errors has not. */

import { tell, untell } from "./toasts.js";

const FAILURES = ["htmx:sendError", "htmx:responseError", "htmx:timeout"];
const NO_ANSWER = "No answer";
const KEPT = "What you typed is still here, and an order is never made twice.";
const REASONS = {
  403: "This page is older than your sign-in. Reload it, then send it again.",
  404: "It is not there any more.",
  503: "The books cannot be reached just now.",
};

/** What happened, for a person: a title and a sentence. */
function told(type, xhr) {
  if (!navigator.onLine) return ["You are offline", "Nothing gets through just now."];
  if (type === "htmx:timeout") return [NO_ANSWER, "The server took too long."];
  if (!xhr.status) return [NO_ANSWER, "The server cannot be reached."];
  return ["That did not work", REASONS[xhr.status] ?? "Something went wrong on our side."];
}

/** The same element, or the one that has taken its place since. */
function current(elt) {
  if (elt.isConnected) return elt;
  if (elt.id) return document.getElementById(elt.id);
  const path = elt.getAttribute("hx-post");
  return path && document.querySelector(`[hx-post="${CSS.escape(path)}"]`);
}

function again({ elt, target, requestConfig: { verb, path, formData, triggeringEvent } }) {
  const asker = current(elt);
  if (!asker) return location.reload();
  if (triggeringEvent?.type === "submit") {
    const { submitter } = triggeringEvent;
    return asker.requestSubmit(submitter && asker.contains(submitter) ? submitter : null);
  }
  const values = verb === "get" ? {} : Object.fromEntries(formData);
  return window.htmx.ajax(verb, path, { source: asker, target: current(target), values });
}

/** Where a notice about elt can be seen and pressed: a dialog covers the corner with the toasts. */
function home({ elt, target, requestConfig }) {
  const box = elt.closest("dialog[open], [popover]");
  if (box) return box.querySelector(".dialog__body") ?? elt;
  if (requestConfig.verb !== "get") return null;
  return target.matches(".found") ? target : target.closest(".card") ?? target;
}

/** One that fails again and again keeps its notice: put there anew it would be read out again. */
function note(box, name, title, text, retry) {
  const known = notices(name).find((each) => box.contains(each));
  if (known) return say(known, title, text);
  for (const old of notices(name)) old.remove();
  const notice = document.getElementById("failed").content.firstElementChild.cloneNode(true);
  notice.dataset.failed = name;
  say(notice, title, text);
  notice.querySelector("button").addEventListener("click", retry);
  if (box.matches(".found")) box.replaceChildren(notice);
  else box.prepend(notice);
}

function say(notice, title, text) {
  const words = [[notice.querySelector("b"), `${title}.`], [notice.querySelector("[data-why]"), text]];
  for (const [part, word] of words) if (part.textContent !== word) part.textContent = word;
}

const toastOf = (name) => `failed-${encodeURIComponent(name)}`;

/** Say that something posted to a path may not have come through; without retry there is nothing to press. */
export function tellNotSent(path, { title = NO_ANSWER, text = "The server cannot be reached.", retry = null } = {}) {
  tell(title, `${text} ${KEPT}`, { id: toastOf(path), isWarning: true, retry });
}

const notices = (name) => [...document.querySelectorAll("[data-failed]")].filter(({ dataset }) => dataset.failed === name);

/** What asks, by where its answer goes and from where it comes: several may ask the same address. */
const nameOf = ({ target, requestConfig: { verb, path } }) => (verb === "get" ? `${target?.id ?? ""} ${path}` : path);

function onFailure({ type, detail }) {
  const { elt, xhr, requestConfig } = detail;
  if (!requestConfig || elt.matches("[data-silent-errors]")) return;
  const [title, text] = told(type, xhr);
  const [box, name, retry] = [home(detail), nameOf(detail), () => again(detail)];
  if (box?.matches(".found") || box?.checkVisibility()) {
    const kept = requestConfig.verb === "get" ? "What you see may be old." : KEPT;
    note(box, name, title, `${text} ${kept}`, retry);
  } else if (requestConfig.verb === "get") tell(title, text, { id: toastOf(name), isWarning: true, retry });
  else tellNotSent(name, { title, text, retry });
}

for (const name of FAILURES) document.addEventListener(name, onFailure);
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (!detail.successful) return;
  for (const notice of notices(nameOf(detail))) notice.remove();
  untell(toastOf(nameOf(detail)));
});
