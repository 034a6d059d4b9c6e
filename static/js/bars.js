/* Bars of one symbol as the API tells them, with the indicators' values at them. Indicators are
   reckoned by the server alone. */

import * as n from "./numbers.js";

export const SECONDS = {
  "1min": 60, "5min": 300, "15min": 900, "30min": 1800, "45min": 2700, "1h": 3600, "2h": 7200,
  "4h": 14400, "1day": 86400, "1week": 604800, "1month": 2678400,
};
export const PAGE = 500;
const ANSWER_MAX = 1000;
const BARS_MAX = 10_000;

/** Whether bars of an interval are of days or longer: they have a date and no time. */
export const isOfDays = (interval) => SECONDS[interval] >= SECONDS["1day"];

/** Ask for the newest bars of an interval, oldest first: those that begin before a time in seconds,
    where it is given. Null when there is no answer. */
export async function ask(url, { interval, names = [], before = null, limit = PAGE }) {
  const query = new URLSearchParams({ interval, limit });
  if (before !== null) query.set("end", new Date(before * 1000).toISOString());
  if (names.length) query.set("indicators", names.join());
  try {
    const answer = await fetch(`${url}?${query}`);
    return answer.ok ? (await answer.json()).results.map(read) : null;
  } catch {
    return null;
  }
}

/** Ask for all bars from the newest back to the one that begins at a time, in as many answers as it
    takes, so that there is no gap between any two of them; without a time for one page. Null when
    an answer does not come; what nobody wants any more is not asked for. */
export async function askBack(url, { since = null, isWanted, ...wish }) {
  let found = [];
  while (isWanted()) {
    const limit = since === null ? PAGE : ANSWER_MAX;
    const page = await ask(url, { ...wish, before: found[0]?.time ?? null, limit });
    if (page === null) return null;
    found = [...page, ...found];
    if (since === null || !page.length || found[0].time <= since || isFull(found)) return found;
  }
  return null;
}

/** Whether a chart has as many bars as it can carry. */
export const isFull = (bars) => bars.length >= BARS_MAX;

/** One bar of the API as the chart wants it; volume stays exact. */
function read(bar) {
  const { open, high, low, close } = bar;
  return {
    time: Date.parse(bar.starts_at) / 1000,
    open: Number(open), high: Number(high), low: Number(low), close: Number(close),
    volume: n.units(bar.volume) ?? 0n,
    values: bar.indicators ?? {},
  };
}

/** Where the bar of a moment begins: at or after the newest bar counted from that one, because long
    bars are counted from the session's opening or from Monday; else at the last bar before it. */
export function startOf(at, bars, interval) {
  const last = bars.at(-1).time;
  if (at < last) return bars.findLast((bar) => bar.time <= at)?.time ?? at;
  if (interval === "1month") {
    const day = new Date(at * 1000);
    return Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), 1) / 1000;
  }
  const step = SECONDS[interval];
  return last + Math.floor((at - last) / step) * step;
}
