/* The search field: suggestions come from the server as links, arrows walk through them. */

const field = document.getElementById("find");
const list = document.getElementById("found");
const links = () => [...list.querySelectorAll("a")];

function close() {
  list.replaceChildren();
}

function step(by) {
  const all = links();
  const at = all.indexOf(document.activeElement);
  const next = all[at + by];
  if (next) next.focus();
  else if (at + by < 0) field.focus();
}

function onKey(event) {
  if (event.key === "Escape") {
    close();
    field.focus();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (!links().length) return;
    event.preventDefault();
    step(event.key === "ArrowDown" ? 1 : -1);
  }
}

if (field && list) {
  const form = field.closest("form");
  form.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    if (!form.contains(event.target)) close();
  });
  form.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !form.contains(event.relatedTarget)) close();
  });
}
