/* The person's own open orders on the chart: a dashed line each, with a handle that can be dragged
   to another price. Letting go asks for the review of a replace; Escape puts the line back. */

import { LineStyle } from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import * as n from "./numbers.js";
import { scale } from "./palette.js";

const HANDLE_PX = 24;
const MOVED_PX = 3;

export class OrderLines {
  #shown = [];
  #orders = [];
  #colors = null;
  #isLate = false;
  #drag = null;

  /** onDrop is told of an order, the field that was dragged, and its new price in units. */
  constructor(section, chart, candles, onDrop) {
    Object.assign(this, { chart, candles, onDrop });
    this.box = section.querySelector("[data-orders]");
    this.template = section.querySelector("#handle");
    this.places = Number(section.dataset.places);
    this.tick = n.units(section.dataset.tick);
    candles.attachPrimitive({ updateAllViews: () => this.#place() });
    addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#drag && !this.#drag.isDropped) this.#end(event, { isDropped: false });
    }, true);
  }

  get prices() {
    return this.#orders.map((order) => Number(order.price));
  }

  /** Draw these orders' lines in the colours of the theme. One that is held in the hand stays. */
  draw(orders, colors) {
    this.#orders = orders;
    this.#colors = colors;
    this.#isLate = Boolean(this.#drag);
    if (this.#isLate) return;
    for (const { line } of this.#shown) this.candles.removePriceLine(line);
    this.#shown = orders.map((order) => ({ order, line: this.#line(order, colors), handle: this.#handle(order) }));
    this.box.replaceChildren(...this.#shown.map(({ handle }) => handle));
    this.#place();
  }

  #line(order, colors) {
    return this.candles.createPriceLine({
      price: Number(order.price),
      color: colors.accent,
      lineWidth: 1,
      lineStyle: LineStyle.Dashed,
      axisLabelVisible: true,
      axisLabelColor: colors.accent,
      axisLabelTextColor: colors.panel,
      title: "",
    });
  }

  #handle(order) {
    const handle = this.template.content.firstElementChild.cloneNode(true);
    const [text, rest] = handle.querySelectorAll("span");
    text.textContent = words(order);
    rest.textContent = ` at ${n.fixed(n.units(order.price), this.places)}`;
    handle.href = order.url;
    handle.toggleAttribute("data-fixed", !order.field);
    if (!order.url.endsWith("/replace")) handle.removeAttribute("data-replace");
    if (order.field) handle.addEventListener("pointerdown", (event) => this.#begin(event, order, handle));
    handle.addEventListener("click", (event) => {
      if (handle.dataset.dragged !== undefined) event.preventDefault();
      delete handle.dataset.dragged;
    }, true);
    return handle;
  }

  /** Handles stand on their lines; those that would cover each other stand side by side. */
  #place() {
    const height = this.chart.panes()[0].getHeight();
    const taken = [];
    for (const { order, handle } of this.#shown) {
      const price = this.#drag?.order === order ? this.#drag.price : n.units(order.price);
      const y = this.candles.priceToCoordinate(Number(n.plain(price)));
      handle.hidden = y === null || y < 0 || y > height;
      if (handle.hidden) continue;
      const column = taken.filter((other) => Math.abs(other - y) < HANDLE_PX * scale()).length;
      taken.push(y);
      handle.style.setProperty("--y", `${Math.round(y)}px`);
      handle.style.setProperty("--column", column);
    }
  }

  #begin(event, order, handle) {
    if (event.button) return;
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    const { line } = this.#shown.find((one) => one.order === order);
    this.#drag = { order, handle, line, from: event.clientY, price: n.units(order.price), id: event.pointerId };
    this.#drag.top = this.candles.priceToCoordinate(Number(order.price));
    handle.onpointermove = (move) => this.#move(move);
    handle.onpointerup = (up) => this.#end(up, { isDropped: true });
    handle.onpointercancel = (lost) => this.#end(lost, { isDropped: false });
  }

  #move(event) {
    const drag = this.#drag;
    const by = event.clientY - drag.from;
    if (!drag.hasMoved && Math.abs(by) < MOVED_PX) return;
    drag.hasMoved = true;
    drag.handle.dataset.dragged = "";
    const price = toTick(this.candles.coordinateToPrice(drag.top + by), this.tick);
    if (price === null) return;
    drag.price = price;
    drag.line.applyOptions({ price: Number(n.plain(price)) });
    drag.handle.firstElementChild.textContent = `${words(drag.order)} ${n.fixed(price, this.places)}`;
    this.#place();
  }

  #end(event, { isDropped }) {
    const { order, handle, price, hasMoved, id } = this.#drag;
    handle.onpointermove = handle.onpointerup = handle.onpointercancel = null;
    if (handle.hasPointerCapture(id)) handle.releasePointerCapture(id);
    if (hasMoved) event.preventDefault();
    const isNew = price !== n.units(order.price);
    if (!isDropped || !isNew) this.release();
    else {
      this.#drag.isDropped = true;
      this.onDrop(order, price);
    }
  }

  /** Let go: lines stand where the orders are, those that came and went meanwhile too. */
  release() {
    if (!this.#drag) return;
    const { order, line, handle } = this.#drag;
    this.#drag = null;
    line.applyOptions({ price: Number(order.price) });
    handle.firstElementChild.textContent = words(order);
    if (this.#isLate) this.draw(this.#orders, this.#colors);
    else this.#place(); // the handle stays: a click on it is yet to come
  }
}

const words = ({ side, type, quantity }) =>
  `${side === "buy" ? "Buy" : "Sell"} ${n.quantity(n.units(quantity))} ${type.replaceAll("_", " ")}`;

/** The price of the tick nearest to a coordinate's; null for none above zero. */
export function toTick(price, tick) {
  const value = price === null ? null : n.units(price.toFixed(8));
  if (value === null || value <= 0n) return null;
  const near = n.floored(value + tick / 2n, tick);
  return near > 0n ? near : null;
}
