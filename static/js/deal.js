/* Buy and sell from the chart: a right click, a long press, or the small button at the price of the
   crosshair opens a menu, which fills the ticket with a side and a limit. Nothing is sent. */

import { toTick } from "./lines.js";
import * as n from "./numbers.js";

const PRESS_MS = 500;
const STILL_PX = 8;

export function startDeals(section, chart, candles) {
  const box = section.querySelector(".chart__frame");
  const menu = section.querySelector("#deal");
  const button = section.querySelector("[data-deal]");
  if (!menu) return;
  const { tick, places } = section.dataset;
  let price = null;
  let press = 0;

  const at = (y) => toTick(candles.coordinateToPrice(y), n.units(tick));
  const yOf = (event) => event.clientY - box.getBoundingClientRect().top;
  const inPrices = (y) => y >= 0 && y < chart.panes()[0].getHeight();

  function open(found, { clientX, clientY }) {
    if (found === null) return;
    price = found;
    for (const word of menu.querySelectorAll("b")) word.textContent = n.fixed(price, Number(places));
    menu.showPopover();
    const { width, height } = menu.getBoundingClientRect();
    menu.style.left = `${Math.max(8, Math.min(clientX, innerWidth - width - 8))}px`;
    menu.style.top = `${Math.max(8, Math.min(clientY, innerHeight - height - 8))}px`;
    menu.querySelector("button").focus();
  }

  function onContext(event) {
    if (event.target.closest("a") || !inPrices(yOf(event))) return;
    event.preventDefault();
    open(at(yOf(event)), event);
  }

  /** Where a long press makes no context menu of its own. */
  function onPress(event) {
    clearTimeout(press);
    if (event.pointerType !== "touch" || event.target.closest("a, button")) return;
    const { clientX, clientY } = event;
    press = setTimeout(() => inPrices(yOf({ clientY })) && open(at(yOf({ clientY })), { clientX, clientY }), PRESS_MS);
    const stop = (move) => {
      if (move.type === "pointermove" && Math.hypot(move.clientX - clientX, move.clientY - clientY) < STILL_PX) return;
      clearTimeout(press);
      for (const name of ["pointermove", "pointerup", "pointercancel"]) removeEventListener(name, stop);
    };
    for (const name of ["pointermove", "pointerup", "pointercancel"]) addEventListener(name, stop);
  }

  chart.subscribeCrosshairMove(({ point, paneIndex }) => {
    const isThere = Boolean(point) && (paneIndex ?? 0) === 0 && at(point.y) !== null;
    if (button.matches(":hover")) return;
    button.hidden = !isThere;
    if (!isThere) return;
    button.style.setProperty("--y", `${Math.round(point.y)}px`);
    button.dataset.at = n.plain(at(point.y));
  });
  box.addEventListener("mouseleave", () => { button.hidden = true; });
  button.addEventListener("click", (event) => open(n.units(button.dataset.at), event));
  box.addEventListener("contextmenu", onContext);
  box.addEventListener("pointerdown", onPress);
  menu.addEventListener("keydown", (event) => {
    const items = [...menu.querySelectorAll("button")];
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!way) return;
    event.preventDefault();
    items.at((items.indexOf(document.activeElement) + way) % items.length).focus();
  });
  menu.addEventListener("click", ({ target }) => {
    const side = target.closest("[data-deal-side]")?.dataset.dealSide;
    if (!side) return;
    menu.hidePopover();
    document.dispatchEvent(new CustomEvent("bengi:deal", { detail: { side, price } }));
  });
}
