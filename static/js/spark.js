/* The shape of the last hours beside a price: its last point is the price now. The server draws it
   (instruments/lines.py); here it goes on, with a new point for every bar that begins. Once a second
   is enough for a shape of hours, and costs a tenth of drawing every price. */

const [WIDTH, HEIGHT, MARGIN] = [56, 24, 2];
const BAR_MS = 900_000;
const POINTS_MAX = 33;
const DRAW_MS = 1000;
const shapes = new WeakMap();
const due = new Set();
let timer = 0;

const room = HEIGHT - 2 * MARGIN;
const priceAt = (y, { low, high }) => high - ((Number(y) - MARGIN) / room) * (high - low);
const heightOf = (price, { low, high }) => (high > low ? MARGIN + ((high - price) / (high - low)) * room : HEIGHT / 2).toFixed(1);

function read(cell) {
  const [level, line] = [cell.querySelector("line"), cell.querySelector("polyline")];
  const box = { low: Number(cell.dataset.low), high: Number(cell.dataset.high) };
  const closes = line.getAttribute("points").split(" ").map((point) => priceAt(point.split(",")[1], box));
  return { ...box, level, line, closes, close: priceAt(level.getAttribute("y1"), box), at: Number(cell.dataset.at) * 1000, shown: "" };
}

/** Let the last point follow a quote, with the next drawing. */
export function paintSpark(cell, quote) {
  const price = Number(quote.last);
  if (!price) return;
  const shape = shapes.get(cell) ?? read(cell);
  shapes.set(cell, shape);
  const start = Math.floor(Date.parse(quote.as_of) / BAR_MS) * BAR_MS;
  if (start > shape.at) {
    shape.at = start;
    shape.closes = [...shape.closes, price].slice(-POINTS_MAX);
  } else shape.closes[shape.closes.length - 1] = price;
  due.add(shape);
  timer ||= setTimeout(() => requestAnimationFrame(drawAll), DRAW_MS);
}

function drawAll() {
  timer = 0;
  due.forEach(draw);
  due.clear();
}

function draw(shape) {
  const by = WIDTH / (shape.closes.length - 1);
  shape.low = Math.min(shape.close, ...shape.closes);
  shape.high = Math.max(shape.close, ...shape.closes);
  const points = shape.closes.map((close, at) => `${(at * by).toFixed(1)},${heightOf(close, shape)}`).join(" ");
  if (points === shape.shown) return;
  shape.shown = points;
  shape.line.setAttribute("points", points);
  const level = heightOf(shape.close, shape);
  if (level === shape.level.getAttribute("y1")) return;
  shape.level.setAttribute("y1", level);
  shape.level.setAttribute("y2", level);
}
