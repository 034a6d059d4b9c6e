/* Watchlists: rows can be dragged by their grip to another place, and the focus stays where
   one works: with the row that a button moved, in the field that a symbol came from. The form
   does the same without script, by its buttons. */

let dragged = null;
let pressed = null;
let sent = "";
let typed = "";

const rowOf = (target) => target.closest?.("#list-rows tbody tr");

function mark(row, where) {
  for (const each of document.querySelectorAll("[data-over]")) delete each.dataset.over;
  if (row) row.dataset.over = where;
}

/** Before a row in its upper half, after it in its lower one. */
function half(row, event) {
  const box = row.getBoundingClientRect();
  return event.clientY < box.top + box.height / 2 ? "before" : "after";
}

/** The place in the list without the dragged row, which is how the server counts. */
function placeOf(row, where) {
  const at = Number(row.dataset.row) + (where === "after" ? 1 : 0);
  return at > Number(dragged.dataset.row) ? at - 1 : at;
}

document.addEventListener("dragstart", (event) => {
  if (!event.target.closest?.(".lists__grip")) return;
  dragged = rowOf(event.target);
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.symbol);
  event.dataTransfer.setDragImage(dragged, 0, 0);
});

document.addEventListener("dragover", (event) => {
  const row = dragged && rowOf(event.target);
  if (!row) return;
  event.preventDefault();
  mark(row, half(row, event));
});

document.addEventListener("drop", (event) => {
  const row = dragged && rowOf(event.target);
  if (!row) return;
  event.preventDefault();
  const form = document.getElementById("list-rows");
  const values = { symbol: dragged.dataset.symbol, place: placeOf(row, half(row, event)) };
  if (row !== dragged) window.htmx.ajax("post", form.getAttribute("hx-post"), { source: form, values });
});

document.addEventListener("dragend", () => {
  dragged = null;
  mark(null);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("#list-rows button");
  if (button) pressed = { way: button.name, symbol: button.value };
});

/** After a symbol the next one can be typed, and a wrong one mended. */
document.addEventListener("submit", (event) => {
  if (!event.target.matches(".lists__add")) return;
  sent = event.target.elements.symbol.value;
  pressed = { way: "add" };
});

/** What somebody types while the answer is on its way is not in it. */
document.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
  if (target.id !== "list") return;
  const { value } = document.getElementById("symbol") ?? { value: "" };
  typed = value === sent ? "" : value;
});

/** At an end of the list the button that was pressed is off: the other one takes the focus. */
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (detail.target.id !== "list") return;
  const field = document.getElementById("symbol");
  if (typed && field) field.value = typed;
  sent = typed = "";
  if (!pressed || pressed.way === "remove") return;
  if (pressed.way === "add") {
    pressed = null;
    field?.focus();
    return;
  }
  const [own, other] = [pressed.way, pressed.way === "up" ? "down" : "up"].map((way) =>
    document.getElementById(`${way}-${pressed.symbol}`));
  const next = own?.disabled ? other : own;
  next?.focus();
  pressed = null;
});
