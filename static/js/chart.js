/* The chart: bars from the API, the last one growing with every print, the person's own orders as
   dashed lines and fills as arrows. Hollow bars closed up, filled ones down. */

import {
  CandlestickSeries, ColorType, createChart, createSeriesMarkers, CrosshairMode, HistogramSeries, LineStyle,
} from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import * as n from "./numbers.js";

const SECONDS = {
  "1min": 60, "5min": 300, "15min": 900, "1h": 3600, "4h": 14400, "1day": 86400, "1week": 604800,
};
const LIMIT = 500;
const TABLE_ROWS = 20;
const TOKENS = ["ink", "ink-2", "ink-3", "panel", "rule", "hairline", "edge", "accent", "pressed",
  "up", "down", "up-solid", "down-solid"];

/** Canvas cannot read light-dark(): let the browser resolve each token through a probe element. */
function palette() {
  const probe = document.body.appendChild(document.createElement("i"));
  const colors = {};
  for (const name of TOKENS) {
    probe.style.color = `var(--${name})`;
    colors[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return colors;
}

const faded = (color) => color.replace(/^rgb\((.*)\)$/, "rgba($1, 0.35)");

export class PriceChart {
  #bars = [];
  #volume = null;
  #lines = [];
  #own = { orders: [], fills: [] };
  #asked = 0;

  constructor(section) {
    this.section = section;
    this.box = section.querySelector("[data-chart]");
    const { places, zone, interval } = section.dataset;
    this.places = Number(places);
    this.interval = interval;
    this.#zone(zone);
    this.#build();
    this.paint();
    section.querySelector("details").addEventListener("toggle", () => this.#table());
    this.chart.subscribeCrosshairMove(({ time }) => this.#legend(time));
  }

  /** Load the bars of an interval and show them; an answer that was overtaken is thrown away. */
  async load(interval = this.interval) {
    this.interval = interval;
    const mine = ++this.#asked;
    const answer = await fetch(`${this.section.dataset.url}?interval=${interval}&limit=${LIMIT}`);
    if (!answer.ok || mine !== this.#asked) return;
    const { results } = await answer.json();
    if (mine !== this.#asked) return;
    this.#bars = results.map(read);
    this.#volume = null;
    this.#show();
  }

  /** Let the newest bar grow by a quote; sizes come from the difference of the day's volumes. */
  update(quote) {
    const last = n.units(quote.last);
    const volume = n.units(quote.volume) ?? 0n;
    if (last === null || !this.#bars.length) return;
    const grown = this.#volume === null || volume < this.#volume ? 0n : volume - this.#volume;
    this.#volume = volume;
    const bar = this.#bars.at(-1);
    const price = Number(quote.last);
    if (!grown && price === bar.close) return;
    this.#grow(this.#current(quote), price, grown);
  }

  /** Draw the person's open orders and fills of this symbol. */
  own(own) {
    this.#own = own;
    for (const line of this.#lines) this.candles.removePriceLine(line);
    this.#lines = own.orders.map((order) => this.candles.createPriceLine({
      price: Number(order.price),
      color: this.colors.accent,
      lineWidth: 1,
      lineStyle: LineStyle.Dashed,
      axisLabelVisible: true,
      axisLabelColor: this.colors.accent,
      axisLabelTextColor: this.colors.panel,
      title: `${order.side === "buy" ? "Buy" : "Sell"} ${n.quantity(n.units(order.quantity))} ${order.type}`,
    }));
    this.#mark();
  }

  /** Take the colours of the theme. */
  paint() {
    const c = (this.colors = palette());
    const line = { color: c["ink-3"], labelBackgroundColor: c["ink-2"] };
    this.chart.applyOptions({
      layout: { background: { type: ColorType.Solid, color: c.panel }, textColor: c["ink-3"] },
      grid: { vertLines: { visible: false }, horzLines: { color: c.rule } },
      timeScale: { borderColor: c.hairline },
      crosshair: { vertLine: line, horzLine: line },
    });
    this.candles.applyOptions({
      upColor: c.panel, borderUpColor: c.up, wickUpColor: c.up,
      downColor: c.down, borderDownColor: c.down, wickDownColor: c.down,
    });
    if (this.#bars.length) this.#show({ keepView: true });
    this.own(this.#own);
  }

  #zone(zone) {
    const in_ = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options });
    this.clock = in_({ hour: "2-digit", minute: "2-digit" });
    this.date = in_({ day: "numeric", month: "short" });
    this.year = in_({ year: "numeric" });
    this.month = in_({ month: "short" });
  }

  #build() {
    this.chart = createChart(this.box, {
      autoSize: true,
      layout: { attributionLogo: false, fontSize: 11, fontFamily: getComputedStyle(document.body).fontFamily },
      rightPriceScale: { borderVisible: false, minimumWidth: 64, scaleMargins: { top: 0.12, bottom: 0.24 } },
      timeScale: { timeVisible: true, rightOffset: 4, tickMarkFormatter: (time, kind) => this.#tick(time, kind) },
      crosshair: { mode: CrosshairMode.Normal },
      localization: { timeFormatter: (time) => this.#moment(time) },
      handleScroll: { vertTouchDrag: false },
    });
    const minMove = 10 ** -this.places;
    this.candles = this.chart.addSeries(CandlestickSeries, {
      priceFormat: { type: "price", precision: this.places, minMove },
      priceLineStyle: LineStyle.Dotted,
      autoscaleInfoProvider: (bars) => this.#scale(bars()),
    });
    this.volumes = this.chart.addSeries(HistogramSeries, {
      priceScaleId: "", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false,
    });
    this.volumes.priceScale().applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
    this.markers = createSeriesMarkers(this.candles, []);
  }

  /** Own orders belong into the picture, unless they are so far off that the bars would be flat. */
  #scale(info) {
    if (!info?.priceRange) return info;
    const { minValue, maxValue } = info.priceRange;
    const reach = Math.max(maxValue - minValue, 10 ** -this.places * 10);
    const near = this.#own.orders
      .map((order) => Number(order.price))
      .filter((price) => price > minValue - reach && price < maxValue + reach);
    return { ...info, priceRange: { minValue: Math.min(minValue, ...near), maxValue: Math.max(maxValue, ...near) } };
  }

  #tick(time, kind) {
    const at = time * 1000;
    if (kind === 0) return this.year.format(at);
    if (kind === 1) return this.month.format(at);
    return kind === 2 ? this.date.format(at) : this.clock.format(at);
  }

  #moment(time) {
    const day = this.date.format(time * 1000);
    return SECONDS[this.interval] >= SECONDS["1day"] ? day : `${day} ${this.clock.format(time * 1000)}`;
  }

  #column(bar) {
    return { time: bar.time, value: Number(n.plain(bar.volume)), color: faded(bar.close >= bar.open ? this.colors.up : this.colors.down) };
  }

  #show({ keepView = false } = {}) {
    this.candles.setData(this.#bars);
    this.volumes.setData(this.#bars.map((bar) => this.#column(bar)));
    this.box.toggleAttribute("data-empty", !this.#bars.length);
    this.section.removeAttribute("data-loading");
    if (!keepView) this.#frame();
    this.#after();
  }

  /** As many bars as can be told apart at this width, the newest at the right. */
  #frame() {
    const shown = Math.max(40, Math.floor(this.box.clientWidth / 7));
    const to = this.#bars.length + 3;
    this.chart.timeScale().setVisibleLogicalRange({ from: to - shown, to });
  }

  #current(quote) {
    const start = this.#start(Date.parse(quote.as_of) / 1000);
    const bar = this.#bars.at(-1);
    if (start <= bar.time) return bar;
    const open = bar.close;
    const fresh = { time: start, open, high: open, low: open, close: open, volume: 0n };
    this.#bars.push(fresh);
    this.#table();
    return fresh;
  }

  /** Where the bar of a moment begins: at or after the newest bar counted from that one, because long
      bars are counted from the session's opening or from Monday; else at the last bar before it. */
  #start(at) {
    const step = SECONDS[this.interval];
    const last = this.#bars.at(-1).time;
    if (at >= last) return last + Math.floor((at - last) / step) * step;
    return this.#bars.findLast((bar) => bar.time <= at)?.time ?? at;
  }

  #grow(bar, price, grown) {
    if (!bar.volume && bar.open === bar.close) bar.open = bar.high = bar.low = price;
    bar.high = Math.max(bar.high, price);
    bar.low = Math.min(bar.low, price);
    bar.close = price;
    bar.volume += grown;
    this.candles.update({ ...bar });
    this.volumes.update(this.#column(bar));
    this.#after();
  }

  #after() {
    this.#legend();
    this.#mark();
    const bar = this.#bars.at(-1);
    if (!bar) return;
    const solid = this.colors[bar.close >= bar.open ? "up-solid" : "down-solid"];
    if (solid === this.solid) return;
    this.solid = solid;
    this.candles.applyOptions({ priceLineColor: solid });
  }

  #mark() {
    const first = this.#bars[0]?.time;
    if (first === undefined) return;
    const marks = gather(this.#own.fills, (at) => this.#start(at))
      .filter((fill) => fill.time >= first)
      .sort((left, right) => left.time - right.time)
      .map(({ time, side, quantity }) => ({
        time,
        position: side === "buy" ? "belowBar" : "aboveBar",
        shape: side === "buy" ? "arrowUp" : "arrowDown",
        color: this.colors.accent,
        text: `${side === "buy" ? "Bought" : "Sold"} ${n.quantity(quantity)}`,
      }));
    const key = JSON.stringify(marks);
    if (key === this.marked) return;
    this.marked = key;
    this.markers.setMarkers(marks);
  }

  #legend(time) {
    const bar = (time && this.#bars.find((one) => one.time === time)) || this.#bars.at(-1);
    if (!bar) return;
    for (const cell of this.section.querySelectorAll("[data-bar]")) {
      const part = bar[cell.dataset.bar];
      const text = cell.dataset.bar === "volume" ? n.compact(part) : part.toFixed(this.places);
      if (cell.textContent !== text) cell.textContent = text;
    }
  }

  #table() {
    const details = this.section.querySelector("details");
    if (!details.open || !this.#bars.length) return;
    const body = details.querySelector("tbody");
    const row = details.querySelector("template").content.firstElementChild;
    body.replaceChildren(...this.#bars.slice(-TABLE_ROWS).reverse().map((bar) => this.#row(row, bar)));
  }

  #row(row, bar) {
    const line = row.cloneNode(true);
    const price = (value) => n.fixed(n.units(value.toFixed(8)), this.places);
    const texts = [this.#moment(bar.time), ...[bar.open, bar.high, bar.low, bar.close].map(price), n.quantity(bar.volume)];
    texts.forEach((text, at) => { line.children[at].textContent = text; });
    return line;
  }
}

/** Fills of one side within one bar make one mark. */
function gather(fills, start) {
  const marks = new Map();
  for (const { at, side, quantity } of fills) {
    const time = start(Date.parse(at) / 1000);
    const mark = marks.get(`${side} ${time}`) ?? { time, side, quantity: 0n };
    mark.quantity += n.units(quantity);
    marks.set(`${side} ${time}`, mark);
  }
  return [...marks.values()];
}

/** One bar of the API as the chart wants it; volume stays exact. */
function read(bar) {
  const { open, high, low, close } = bar;
  return {
    time: Date.parse(bar.starts_at) / 1000,
    open: Number(open), high: Number(high), low: Number(low), close: Number(close),
    volume: n.units(bar.volume) ?? 0n,
  };
}
