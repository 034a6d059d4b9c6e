/* The chart: bars from the API, the last one growing with every print, older ones when somebody
   scrolls back. Indicators: studies.js, own orders: lines.js, trading from it: deal.js. Hollow bars
   closed up, filled ones down. */

import {
  CandlestickSeries, ColorType, createChart, createSeriesMarkers, CrosshairMode, HistogramSeries, LineStyle,
} from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { ask, askBack, isFull, isOfDays, PAGE, startOf } from "./bars.js";
import { OrderLines } from "./lines.js";
import * as n from "./numbers.js";
import { faded, palette, scale } from "./palette.js";
import { Studies } from "./studies.js";

const NEAR_THE_FIRST = 20;
const RENEW_MS = 5000;
const TABLE_ROWS = 20;

export class PriceChart {
  #bars = [];
  #interval = "";
  #volume = null;
  #own = { orders: [], fills: [] };
  #asked = 0;
  #isWhole = false;
  #asking = -1;
  #isLoading = false;

  constructor(section) {
    this.section = section;
    this.box = section.querySelector("[data-chart]");
    const { places, zone, interval } = section.dataset;
    this.places = Number(places);
    this.interval = interval;
    this.#zone(zone);
    this.#build();
    this.studies = new Studies(section, this.chart, this.places);
    this.lines = new OrderLines(section, this.chart, this.candles, (order, price) =>
      document.dispatchEvent(new CustomEvent("bengi:replace", { detail: { order, price } })));
    this.paint();
    section.querySelector(".chart__data").addEventListener("toggle", () => this.#table());
    this.chart.subscribeCrosshairMove(({ time }) => this.#legend(time));
    this.chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      if (range && range.from < NEAR_THE_FIRST) this.#older();
    });
    setInterval(() => this.#renew(), RENEW_MS);
  }

  /** Load the bars of an interval and show them; an answer that was overtaken is thrown away. Bars
      of the same interval come anew as far back as there are some, so that history and view stay. */
  async load(interval = this.interval) {
    this.interval = this.section.dataset.interval = interval;
    const mine = ++this.#asked;
    const isMore = this.#isOf(interval);
    const since = isMore ? this.#bars[0].time : null;
    this.#isLoading = true;
    const bars = await askBack(this.section.dataset.url, { ...this.#wish(), since, isWanted: () => mine === this.#asked });
    if (mine !== this.#asked) return;
    this.#isLoading = false;
    this.section.toggleAttribute("data-failed", bars === null);
    this.section.removeAttribute("data-loading");
    if (bars !== null) this.#take(bars, { isMore });
  }

  /** Show the indicators that are wanted by now on the bars that are there. */
  async restudy() {
    if (this.#isOf(this.interval) && !this.#isLoading && !this.#wish().names.length) this.#show({ keepView: true });
    else await this.load();
  }

  /** Whether the bars on the chart are of an interval: another one may be on its way, or not come. */
  #isOf(interval) {
    return this.#interval === interval && this.#bars.length > 0;
  }

  /** Take bars in the place of all that there are, but for those that quotes began meanwhile. */
  #take(bars, { isMore }) {
    const last = bars.at(-1)?.time ?? Infinity;
    this.#bars = isMore ? [...bars, ...this.#bars.filter(({ time }) => time > last)] : bars;
    this.#interval = this.interval;
    this.#volume = null;
    this.#isWhole = false;
    this.#show({ keepView: isMore });
    if (this.chart.timeScale().getVisibleLogicalRange()?.from < NEAR_THE_FIRST) this.#older();
  }

  #wish() {
    return { interval: this.interval, names: this.studies.names(this.interval) };
  }

  /** The bars before the first one, when somebody scrolls there. */
  async #older() {
    if (this.#isWhole || this.#asking === this.#asked || this.#isLoading || !this.#isOf(this.interval)) return;
    const mine = (this.#asking = this.#asked);
    const found = await ask(this.section.dataset.url, { ...this.#wish(), before: this.#bars[0].time });
    if (this.#asking === mine) this.#asking = -1;
    if (mine !== this.#asked || found === null) return;
    this.#bars = [...found, ...this.#bars];
    this.#isWhole = !found.length || isFull(this.#bars);
    if (found.length) this.#show({ keepView: true });
  }

  /** The indicators' values of the newest bars, which the server alone reckons; or the first bars. */
  async #renew() {
    const wish = this.#wish();
    if (document.hidden || this.#isLoading) return;
    if (!this.#bars.length) {
      await this.load();
      return;
    }
    if (!wish.names.length || !this.#isOf(this.interval)) return;
    const mine = this.#asked;
    const found = await ask(this.section.dataset.url, { ...wish, limit: this.#bare() + 3 });
    if (mine !== this.#asked || found === null) return;
    const bars = new Map(this.#bars.slice(-found.length - 3).map((bar) => [bar.time, bar]));
    const known = found.filter(({ time }) => bars.has(time));
    for (const { time, values } of known) bars.get(time).values = values;
    this.studies.update(known);
    this.#legend();
  }

  /** How many bars at the end have no values yet: those that began while nobody looked. */
  #bare() {
    const last = this.#bars.findLastIndex(({ values }) => Object.keys(values).length);
    return Math.min(PAGE, this.#bars.length - 1 - last);
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

  /** Draw the person's open orders and fills of this symbol; fills that are not told are those of before. */
  own(own) {
    this.#own = { ...own, fills: own.fills ?? this.#own.fills };
    this.lines.draw(own.orders, this.colors);
    this.#mark();
  }

  /** Take the colours of the theme. */
  paint() {
    const c = (this.colors = palette());
    const line = { color: c["ink-3"], labelBackgroundColor: c["ink-2"] };
    this.chart.applyOptions({
      layout: {
        background: { type: ColorType.Solid, color: c.panel }, textColor: c["ink-3"],
        panes: { separatorColor: c.hairline, separatorHoverColor: c.pressed, enableResize: true },
      },
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
      layout: { attributionLogo: false, fontSize: 11 * scale(), fontFamily: getComputedStyle(document.body).fontFamily },
      rightPriceScale: { borderVisible: false, minimumWidth: 64 * scale(), scaleMargins: { top: 0.12, bottom: 0.24 } },
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
    const near = (this.lines?.prices ?? []).filter((price) => price > minValue - reach && price < maxValue + reach);
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
    if (this.#interval === "1month") return `${this.month.format(time * 1000)} ${this.year.format(time * 1000)}`;
    return isOfDays(this.#interval) ? day : `${day} ${this.clock.format(time * 1000)}`;
  }

  #column(bar) {
    return { time: bar.time, value: Number(n.plain(bar.volume)), color: faded(bar.close >= bar.open ? this.colors.up : this.colors.down) };
  }

  #show({ keepView = false } = {}) {
    this.candles.setData(this.#bars);
    this.volumes.setData(this.#bars.map((bar) => this.#column(bar)));
    this.studies.draw(this.#bars, this.#interval || this.interval, this.colors);
    this.box.toggleAttribute("data-empty", !this.#bars.length);
    if (!keepView) this.#frame();
    this.#after();
    this.#table();
  }

  /** As many bars as can be told apart at this width, the newest at the right. */
  #frame() {
    const shown = Math.max(40, Math.floor(this.box.clientWidth / (7 * scale())));
    const to = this.#bars.length + 3;
    this.chart.timeScale().setVisibleLogicalRange({ from: to - shown, to });
  }

  #start(at) {
    return startOf(at, this.#bars, this.#interval);
  }

  #current(quote) {
    const start = this.#start(Date.parse(quote.as_of) / 1000);
    const bar = this.#bars.at(-1);
    if (start <= bar.time) return bar;
    const open = bar.close;
    const fresh = { time: start, open, high: open, low: open, close: open, volume: 0n, values: {} };
    this.#bars.push(fresh);
    this.#table();
    return fresh;
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
    this.studies.legend(bar.time);
    for (const cell of this.section.querySelectorAll("[data-bar]")) {
      const part = bar[cell.dataset.bar];
      const text = cell.dataset.bar === "volume" ? n.compact(part) : part.toFixed(this.places);
      if (cell.textContent !== text) cell.textContent = text;
    }
  }

  #table() {
    const details = this.section.querySelector(".chart__data");
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
