/* The equity curve: an area, with the same money in another instrument as a line beside it. The
   numbers stand in the page; a refresh of the page's figures brings them anew. */

import {
  AreaSeries, ColorType, createChart, CrosshairMode, LineSeries, LineStyle,
} from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import * as n from "./numbers.js";
import { faded, palette, scale } from "./palette.js";

const DAY = { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" };
const plot = document.getElementById("plot");
const legend = document.querySelector("[data-legend]");
const day = new Intl.DateTimeFormat("en-GB", DAY);
const month = new Intl.DateTimeFormat("en-GB", { month: "short", timeZone: "UTC" });
const date = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

const text = () => document.querySelector("#pf-data script")?.textContent ?? "";

function tick(time, kind) {
  const at = Date.parse(`${time}T00:00:00Z`);
  if (kind === 0) return time.slice(0, 4);
  return kind === 1 ? month.format(at) : date.format(at);
}

const exact = (value) => (unit === "%" ? n.percent(n.units(value)) : n.fixed(n.units(value), places));

/** A price of the axis, short. */
function price(value) {
  if (unit === "%") return n.percent(n.units(value.toFixed(4)), 1);
  return Math.abs(value) < 10_000 ? n.fixed(n.units(value.toFixed(8)), places) : n.compact(n.units(value.toFixed(0)));
}

let drawn = 0;
let shown = text();
const { unit, points } = JSON.parse(shown);
const places = unit === "%" ? 2 : n.minorPlaces(unit);
const box = document.createElement("div");
box.className = "plot__canvas";
plot.append(box);
plot.classList.add("plot--live");
const chart = createChart(box, {
  autoSize: true,
  layout: { attributionLogo: false, fontSize: 11 * scale(), fontFamily: getComputedStyle(document.body).fontFamily },
  rightPriceScale: { borderVisible: false, minimumWidth: 64 * scale(), scaleMargins: { top: 0.12, bottom: 0.06 } },
  timeScale: { rightOffset: 0, fixLeftEdge: true, fixRightEdge: true, tickMarkFormatter: tick },
  crosshair: { mode: CrosshairMode.Magnet },
  localization: {
    timeFormatter: (time) => day.format(Date.parse(`${time}T00:00:00Z`)),
    priceFormatter: price,
  },
  handleScroll: { vertTouchDrag: false },
});
const equity = chart.addSeries(AreaSeries, { lineWidth: 2, priceLineStyle: LineStyle.Dotted });
const beside = chart.addSeries(LineSeries, { lineWidth: 1, priceLineVisible: false, lastValueVisible: false });

/** Draw the days; the reader's own view of them stays while there are as many. */
function draw(rows) {
  equity.setData(rows.map(([time, value]) => ({ time, value: Number(value) })));
  beside.setData(rows.filter(([, , other]) => other !== null).map(([time, , other]) => ({ time, value: Number(other) })));
  if (rows.length !== drawn) chart.timeScale().fitContent();
  drawn = rows.length;
}

function paint() {
  const c = palette();
  const line = { color: c["ink-3"], labelBackgroundColor: c["ink-2"] };
  chart.applyOptions({
    layout: { background: { type: ColorType.Solid, color: c.panel }, textColor: c["ink-3"] },
    grid: { vertLines: { visible: false }, horzLines: { color: c.rule } },
    timeScale: { borderColor: c.hairline },
    crosshair: { vertLine: line, horzLine: line },
  });
  equity.applyOptions({ lineColor: c.ink, topColor: faded(c.ink, 0.1), bottomColor: faded(c.ink, 0), priceLineColor: c["ink-3"] });
  beside.applyOptions({ color: c["line-1"] });
}

/** Say what the day under the pointer was worth. */
function tell({ time }) {
  const row = time && JSON.parse(shown).points.find(([at]) => at === time);
  legend.textContent = row
    ? `${day.format(Date.parse(`${row[0]}T00:00:00Z`))}: ${[row[1], row[2]].filter(Boolean).map(exact).join(" \u00b7 ")}`
    : "";
}

document.addEventListener("htmx:afterSettle", () => {
  const now = text();
  if (!now || now === shown) return;
  shown = now;
  draw(JSON.parse(now).points);
});
document.addEventListener("bengi:theme", paint);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
chart.subscribeCrosshairMove(tell);
paint();
draw(points);
