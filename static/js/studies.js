/* The indicators on the chart: which are wanted and of which lengths, kept in this browser, and
   their lines. The values come with the bars from the server; nothing is reckoned here. */

import { HistogramSeries, LineSeries, LineStyle } from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { isOfDays } from "./bars.js";
import * as n from "./numbers.js";
import { faded } from "./palette.js";

const STORE = "bengi-studies";
const FRESH = { on: [], lengths: {} };

/* lines: the ending of the value's name, its colour, and how it is drawn. */
const KINDS = {
  sma: { lengths: [20], lines: [["", "line-1"]] },
  ema: { lengths: [50], lines: [["", "line-4"]] },
  vwap: { lengths: [], lines: [["", "line-3"]], isOfSessions: true },
  bollinger: { lengths: [20, 2], lines: [[":upper", "ink-3"], [":middle", "ink-3", "dotted"], [":lower", "ink-3"]] },
  rsi: { lengths: [14], lines: [["", "line-3"]], levels: [30, 70], places: 1 },
  macd: { lengths: [12, 26, 9], lines: [[":histogram", "ink-3", "columns"], ["", "line-4"], [":signal", "line-1"]], places: 3 },
};
const OWN_PANE = ["rsi", "macd"];

function read() {
  try {
    return { ...FRESH, ...JSON.parse(localStorage.getItem(STORE)) };
  } catch {
    return { ...FRESH };
  }
}

export class Studies {
  #series = [];
  #wanted = read();
  #values = new Map();

  constructor(section, chart, places) {
    Object.assign(this, { section, chart, places });
    this.form = section.querySelector("#lengths");
    this.#showChoice();
  }

  lengths(kind) {
    return this.#wanted.lengths[kind] ?? KINDS[kind].lengths;
  }

  /** What the server calls an indicator of these lengths. */
  name(kind) {
    return [kind, ...this.lengths(kind)].join(":");
  }

  /** The kinds that are wanted and that bars of this interval have. */
  kinds(interval) {
    return Object.keys(KINDS).filter((kind) => this.#wanted.on.includes(kind) && !(KINDS[kind].isOfSessions && isOfDays(interval)));
  }

  names(interval) {
    return this.kinds(interval).map((kind) => this.name(kind));
  }

  /** Want an indicator, or no more. */
  toggle(kind) {
    const on = this.#wanted.on.filter((one) => one !== kind);
    this.#keep({ on: on.length === this.#wanted.on.length ? [...on, kind] : on });
  }

  /** Take the lengths that stand in the form; false when they cannot be. */
  take() {
    const [fast, slow] = [this.form.elements["macd-0"], this.form.elements["macd-1"]];
    slow.setCustomValidity(Number(fast.value) < Number(slow.value) ? "" : slow.dataset.wrong);
    if (!this.form.reportValidity()) return false;
    const lengths = {};
    for (const kind of Object.keys(KINDS)) {
      lengths[kind] = KINDS[kind].lengths.map((_, at) => Number(this.form.elements[`${kind}-${at}`].value));
    }
    this.#keep({ lengths });
    return true;
  }

  /** Draw the lines of what is wanted anew: overlays on the bars, the others in panes below. */
  draw(rows, interval, colors) {
    for (const { series } of this.#series) this.chart.removeSeries(series);
    this.#series = [];
    let pane = 0;
    for (const kind of this.kinds(interval)) {
      const at = OWN_PANE.includes(kind) ? (pane += 1) : 0;
      for (const [ending, color, shape] of KINDS[kind].lines) this.#add({ kind, ending, color, shape, at, colors });
    }
    this.chart.panes().forEach((each, at) => each.setStretchFactor(at ? 1 : 3.5));
    this.#values = new Map(rows.map((row) => [row.time, row.values]));
    for (const { series, key } of this.#series) series.setData(points(rows, key));
    this.#showChoice();
  }

  /** Take newer values of bars that are drawn already. */
  update(rows) {
    for (const row of rows) this.#values.set(row.time, row.values);
    for (const { series, key } of this.#series) {
      for (const point of points(rows, key)) series.update(point, true);
    }
  }

  /** Write the values at a time into the legend. */
  legend(time) {
    const values = this.#values.get(time) ?? {};
    for (const part of this.section.querySelectorAll("[data-study-legend]:not([hidden])")) {
      const kind = part.dataset.studyLegend;
      const told = KINDS[kind].lines
        .map(([ending]) => values[this.name(kind) + ending] ?? null)
        .map((value) => (value === null ? "\u2013" : n.fixed(n.units(value), KINDS[kind].places ?? this.places)));
      part.querySelector("b").textContent = told.join(" ");
    }
  }

  #add({ kind, ending, color, shape, at, colors }) {
    const isColumns = shape === "columns";
    const series = this.chart.addSeries(isColumns ? HistogramSeries : LineSeries, {
      color: isColumns ? faded(colors[color]) : colors[color],
      lineWidth: 1,
      lineStyle: shape === "dotted" ? LineStyle.Dotted : LineStyle.Solid,
      priceLineVisible: false,
      lastValueVisible: false,
      crosshairMarkerVisible: false,
      ...(KINDS[kind].isOfSessions ? { autoscaleInfoProvider: () => null } : {}),
      priceFormat: { type: "price", precision: KINDS[kind].places ?? this.places, minMove: 10 ** -(KINDS[kind].places ?? this.places) },
    }, at);
    for (const price of ending ? [] : KINDS[kind].levels ?? []) {
      series.createPriceLine({ price, color: colors.edge, lineWidth: 1, lineStyle: LineStyle.Dashed, axisLabelVisible: false, title: "" });
    }
    if (at) series.priceScale().applyOptions({ scaleMargins: { top: 0.12, bottom: 0.08 } });
    this.#series.push({ series, key: this.name(kind) + ending });
  }

  #keep(change) {
    Object.assign(this.#wanted, change);
    localStorage.setItem(STORE, JSON.stringify(this.#wanted));
    this.#showChoice();
  }

  #showChoice() {
    for (const button of this.section.querySelectorAll("[data-study]")) {
      button.setAttribute("aria-pressed", String(this.#wanted.on.includes(button.dataset.study)));
    }
    for (const part of this.section.querySelectorAll("[data-study-legend]")) {
      const kind = part.dataset.studyLegend;
      part.hidden = !this.kinds(this.section.dataset.interval).includes(kind);
      part.querySelector("span").textContent = [part.dataset.label, ...this.lengths(kind)].join(" ");
    }
    for (const kind of Object.keys(KINDS)) {
      this.lengths(kind).forEach((length, at) => { this.form.elements[`${kind}-${at}`].value = length; });
    }
  }
}

/** The values of one line that there are, where the chart wants them. */
function points(rows, key) {
  const found = rows.filter(({ values }) => (values[key] ?? null) !== null);
  return found.map(({ time, values }) => ({ time, value: Number(values[key]) }));
}
