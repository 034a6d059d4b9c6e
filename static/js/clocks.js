/* Clocks of the exchanges: the market's own time, which the page came with, moved on every second
   and written in the zone of each. */

const FORMATS = new Map();

function format(zone) {
  const options = { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  if (!FORMATS.has(zone)) FORMATS.set(zone, new Intl.DateTimeFormat("en-GB", options));
  return FORMATS.get(zone);
}

function tick() {
  const home = document.querySelector("[data-now]");
  if (!home) return;
  home.aheadMs ??= Date.parse(home.dataset.now) - Date.now();
  const now = new Date(Date.now() + home.aheadMs);
  for (const cell of home.querySelectorAll("[data-clock]")) {
    const text = format(cell.dataset.clock).format(now);
    if (cell.textContent !== text) cell.textContent = text;
  }
}

setInterval(tick, 1000);
