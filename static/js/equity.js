/* What everything is worth in the currency of the bar: cash and positions at the last prices, what
   is in other currencies at the rates that the server told; as portfolios/bar.py reckons it. */

import { quotes, write, writeSigned } from "./board.js";
import * as n from "./numbers.js";

let read = { text: "", facts: null };

/** What the server said last; null for who is discreet: then nothing of it moves. */
function facts() {
  const text = document.getElementById("equity")?.dataset.worth ?? "";
  if (text !== read.text) read = { text, facts: text ? JSON.parse(text) : null };
  return read.facts;
}

export const held = () => facts()?.holdings.flat().map(([symbol]) => symbol) ?? [];

/** Whether prices have to come for something that is held. */
export const isHeldOpen = () => Boolean(facts()?.open.length);

/** What an amount comes to, rounded once; null where it is not known or has no rate. */
function converted(amount, currency, { currency: target, rates }) {
  if (!amount || currency === target) return amount;
  if (!rates[currency]) return null;
  const [rate, isTimes] = rates[currency];
  return (isTimes ? n.product : n.quotient)(amount, n.units(rate), n.minorPlaces(target));
}

const sum = (amounts) => amounts.reduce((all, one) => (all === null || one === null ? null : all + one), 0n);

/** Amounts by currency in the one of the bar. */
const total = (amounts, of) => sum(Object.entries(amounts).map(([currency, amount]) => converted(amount, currency, of)));

/** Values and gains of one portfolio's holdings, by currency. */
function worths(holdings) {
  const [values, gains] = [{}, {}];
  for (const [symbol, currency, quantity, cost, told] of holdings) {
    const last = n.units(quotes.get(symbol)?.last ?? told);
    const value = last === null ? null : n.product(last, n.units(quantity), n.minorPlaces(currency));
    values[currency] = sum([values[currency] ?? 0n, value]);
    gains[currency] = sum([gains[currency] ?? 0n, value === null ? null : value - n.units(cost)]);
  }
  return { values, gains };
}

/** Write equity and, where a page shows them, the totals of value and unrealized gain. What is not
    known stays as the server has said it. */
export function paintEquity() {
  const of = facts();
  if (!of) return;
  const places = n.minorPlaces(of.currency);
  const groups = of.holdings.map(worths);
  const cash = sum(of.cash.map((each) => total(Object.fromEntries(Object.entries(each).map(([currency, text]) => [currency, n.units(text)])), of)));
  const value = sum(groups.map(({ values }) => total(values, of)));
  const totals = { equity: sum([cash, value]), value, gain: sum(groups.map(({ gains }) => total(gains, of))) };
  for (const cell of document.querySelectorAll("[data-total]")) {
    const amount = totals[cell.dataset.total];
    if (amount === null) continue;
    if (cell.dataset.total !== "gain") write(cell, n.fixed(amount, places));
    else writeSigned(cell, n.signed(amount, places), n.direction(amount, places));
  }
}
