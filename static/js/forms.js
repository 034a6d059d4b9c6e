/* Forms that are sent as whole pages: nothing that was typed is thrown at a dead line, a second
   press sends nothing twice, and the sign of this browser is the one it has now. */

import { tellNotSent } from "./failures.js";

const BUSY_MS = 10_000;
const COOKIE = /(?:^|; )(?:__Host-|__Secure-)?csrftoken=([^;]+)/;

/** A sign-in in another tab gives the browser a new sign, and old pages hold the one before. */
const signNow = () => document.cookie.match(COOKIE)?.[1];

export function renewSign(form) {
  const sign = form.elements.csrfmiddlewaretoken;
  if (sign) sign.value = signNow() ?? sign.value;
}

document.addEventListener("submit", ({ target }) => renewSign(target), { capture: true });
document.addEventListener("htmx:configRequest", ({ detail: { formData } }) => {
  const now = signNow();
  if (now && formData?.has("csrfmiddlewaretoken")) formData.set("csrfmiddlewaretoken", now);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.hasAttribute("aria-busy")) event.preventDefault();
  else if (!navigator.onLine) {
    event.preventDefault();
    const { submitter } = event;
    const retry = () => form.requestSubmit(submitter);
    tellNotSent(form.action, { title: "You are offline", text: "Nothing was sent.", retry });
  } else {
    form.setAttribute("aria-busy", "true");
    setTimeout(() => form.removeAttribute("aria-busy"), BUSY_MS);  // for who stops it on its way
  }
});

/** Back on a page that the browser has kept: what it sent then is over. */
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
});
