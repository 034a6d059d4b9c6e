/* Fields that find something: suggestions come from the server as links or buttons under the field,
   arrows walk through them. A form or a field may be swapped at any time: nothing is kept of it. */

const home = (target) => target.closest?.(".find, [data-find]");
const field = (box) => box.querySelector("input[type=search]");
const list = (box) => box.querySelector(".found");
const choices = (box) => [...list(box).querySelectorAll("a, button")];

function close(box) {
  list(box)?.replaceChildren();
}

function step(box, by) {
  const all = choices(box);
  const at = all.indexOf(document.activeElement);
  const next = all[at + by];
  if (next) next.focus();
  else if (at + by < 0) field(box).focus();
}

function onKey(event) {
  const box = home(event.target);
  if (!box) return;
  if (event.key === "Escape") {
    close(box);
    field(box).focus();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (!choices(box).length) return;
    event.preventDefault();
    step(box, event.key === "ArrowDown" ? 1 : -1);
  }
}

function closeOthers(box) {
  for (const each of document.querySelectorAll(".find, [data-find]")) if (each !== box) close(each);
}

document.addEventListener("keydown", onKey);
document.addEventListener("click", (event) => closeOthers(home(event.target)));
document.addEventListener("focusin", (event) => closeOthers(home(event.target)));
