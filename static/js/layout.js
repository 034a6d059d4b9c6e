/* The separators of the workbench: drag them, or move them with the arrow keys (Home and End go to
   the ends), and a double click or Enter brings the usual size back. Kept in this browser. Sizes are
   told for type of 16 px; trade.css has them in rem. */

import { scale } from "./palette.js";

const STORE = "bengi-layout";
const STEP_PX = 16;
/* Where a part lies that a separator sizes: on which axis, and on which side of the separator. */
const PARTS = {
  list: { axis: "x", grows: 1 },
  side: { axis: "x", grows: -1 },
  tabs: { axis: "y", grows: -1 },
};

const root = document.documentElement;

function kept() {
  try {
    return JSON.parse(localStorage.getItem(STORE) ?? "{}");
  } catch {
    return {};
  }
}

function keep(name, px) {
  const { [name]: _, ...rest } = kept();
  localStorage.setItem(STORE, JSON.stringify(px === null ? rest : { ...rest, [name]: px }));
}

/** The bounds of a part: in a small window it gets no more than its share, as trade.css says. */
function bounds(split) {
  const { usual, least, most, share } = split.dataset;
  const room = PARTS[split.dataset.split].axis === "x" ? innerWidth : innerHeight;
  const top = Math.round(Math.min(Number(most) * scale(), Math.max(Number(usual) * scale(), Math.floor((room * Number(share)) / 100))));
  const bottom = Math.round(Number(least) * scale());
  split.setAttribute("aria-valuemin", bottom);
  split.setAttribute("aria-valuemax", top);
  return [bottom, top];
}

/** Give a part a size in pixels, within its bounds; null is the usual one. Returns what it got. */
function size(split, px) {
  const { split: name, usual } = split.dataset;
  const [least, most] = bounds(split);
  const now = px === null ? Math.round(Number(usual) * scale()) : Math.round(Math.min(most, Math.max(least, px)));
  if (px === null) root.style.removeProperty(`--size-${name}`);
  else root.style.setProperty(`--size-${name}`, `${now}px`);
  split.setAttribute("aria-valuenow", now);
  return now;
}

function move(split, px) {
  const now = size(split, px);
  keep(split.dataset.split, px === null ? null : now);
}

function drag(split, event) {
  if (event.button) return;
  const { axis, grows } = PARTS[split.dataset.split];
  const from = axis === "x" ? event.clientX : event.clientY;
  const start = Number(split.getAttribute("aria-valuenow"));
  let now = start;
  split.setPointerCapture(event.pointerId);
  split.onpointermove = (moved) => {
    now = size(split, start + grows * ((axis === "x" ? moved.clientX : moved.clientY) - from));
  };
  split.onpointerup = split.onpointercancel = () => {
    split.onpointermove = split.onpointerup = split.onpointercancel = null;
    if (now !== start) keep(split.dataset.split, now);
  };
}

function onKey(split, event) {
  const { axis, grows } = PARTS[split.dataset.split];
  const [back, on] = axis === "x" ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
  const now = Number(split.getAttribute("aria-valuenow"));
  const [least, most] = bounds(split);
  const wanted = {
    [back]: now - grows * STEP_PX, [on]: now + grows * STEP_PX, Home: least, End: most, Enter: null,
  };
  if (!(event.key in wanted)) return;
  event.preventDefault();
  move(split, wanted[event.key]);
}

export function startLayout() {
  const sizes = kept();
  for (const split of document.querySelectorAll("[data-split]")) {
    const px = sizes[split.dataset.split];
    size(split, Number.isFinite(px) ? px : null);
    split.addEventListener("pointerdown", (event) => drag(split, event));
    split.addEventListener("dblclick", () => move(split, null));
    split.addEventListener("keydown", (event) => onKey(split, event));
  }
}
