/* The workbench: chart, ticket and panels, tied to the stream that page.js keeps. */

import * as board from "./board.js";
import { PriceChart } from "./chart.js";
import { paintLadder } from "./ladder.js";
import { stream } from "./page.js";
import { own } from "./panels.js";
import { startTicket } from "./ticket.js";
import { fixed, percent, percentOf, units } from "./numbers.js";

const section = document.querySelector(".chart");
const { symbol } = section.dataset;
const chart = new PriceChart(section);
let shownOwn = "";

function drawOwn() {
  const now = document.getElementById("own")?.textContent ?? "";
  if (now === shownOwn) return;
  shownOwn = now;
  chart.own(own());
}

function title(quote) {
  const last = units(quote.last);
  const moved = board.dayChange(quote);
  if (last === null) return;
  const share = moved === null ? "" : ` ${percent(percentOf(moved, units(quote.previous_close)) ?? 0n)}`;
  document.title = `${symbol} ${fixed(last, Number(section.dataset.places))}${share} \u00b7 Bengi`;
}

function onPrices({ detail }) {
  const quote = detail.find((price) => price.symbol === symbol);
  if (!quote) return;
  chart.update(quote);
  paintLadder(quote);
  title(quote);
}

function onInterval(event) {
  const link = event.target.closest("a[data-interval]");
  if (!link) return;
  event.preventDefault();
  for (const other of section.querySelectorAll("a[data-interval]")) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
  history.replaceState(null, "", link.href);
  chart.load(link.dataset.interval);
}

/** Every answer brings the tab that is open when it is asked for, however answers overtake. */
function onTab(event) {
  const link = event.target.closest("[data-tab]");
  if (!link) return;
  event.preventDefault();
  for (const other of document.querySelectorAll("[data-tab]")) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
  document.getElementById("tab").value = link.dataset.tab;
  history.replaceState(null, "", link.href);
  window.htmx.trigger("#panel", "refresh");
}

let wasLost = false;
function onState() {
  if (stream.state === "live" && wasLost) chart.load();
  wasLost = stream.state === "lost";
}

const repaint = () => chart.paint();
stream.addEventListener("prices", onPrices);
stream.addEventListener("state", onState);
section.addEventListener("click", onInterval);
document.getElementById("book").addEventListener("click", onTab);
document.addEventListener("htmx:afterSettle", drawOwn);
document.addEventListener("bengi:theme", repaint);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
chart.load().then(drawOwn);
startTicket();
