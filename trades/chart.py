"""What the chart of the trade page offers, and what it starts from before any script has run."""

from typing import Any

from bengi.numerals import fixed, price, signed
from instruments.indicator_words import PERIOD_MAX, PERIOD_MIN, WIDTH_MAX
from instruments.lines import Line
from instruments.series import newest_bars

TABLE_BARS = 20
INTERVALS = (
    ("1min", "1m", "1 minute"),
    ("5min", "5m", "5 minutes"),
    ("15min", "15m", "15 minutes"),
    ("30min", "30m", "30 minutes"),
    ("45min", "45m", "45 minutes"),
    ("1h", "1h", "1 hour"),
    ("2h", "2h", "2 hours"),
    ("4h", "4h", "4 hours"),
    ("1day", "1D", "1 day"),
    ("1week", "1W", "1 week"),
    ("1month", "1M", "1 month"),
)
"""Each interval with what its button says, and in words."""

_BARS = (PERIOD_MIN, PERIOD_MAX)
STUDIES = (
    ("sma", "SMA", (("Bars", *_BARS),)),
    ("ema", "EMA", (("Bars", *_BARS),)),
    ("vwap", "VWAP", ()),
    ("bollinger", "Bollinger", (("Bars", *_BARS), ("Deviations", 1, WIDTH_MAX))),
    ("rsi", "RSI", (("Bars", *_BARS),)),
    ("macd", "MACD", (("Fast", *_BARS), ("Slow", *_BARS), ("Signal", *_BARS))),
)
"""Each indicator with its name, and the words and bounds of its numbers."""


def chart_context(line: Line, wanted: str) -> dict[str, Any]:
    """Return what trades/_chart.html needs: bars of the wanted interval, else of the first."""
    names = [name for name, _, _ in INTERVALS]
    interval = wanted if wanted in names else names[0]
    newest = newest_bars(line.instrument, interval, TABLE_BARS, line.now)[::-1]
    return {
        "interval": interval,
        "intervals": INTERVALS,
        "studies": STUDIES,
        "last_bars": newest,
        "newest_bar": newest[0] if newest else None,
        "bars_url": f"/api/v1/instruments/{line.symbol}/bars",
        "chart_words": _words(line),
    }


def _words(line: Line) -> str:
    """Say what the chart shows, for those who hear it."""
    if line.last is None:
        return "No trade yet."
    last = f"Last {price(line.last, line.instrument.price_places)}"
    if line.change is None or line.change_percent is None:
        return f"{last}."
    moved = signed(line.change, line.instrument.price_places)
    return f"{last}, {moved} or {fixed(line.change_percent, 2)} percent since yesterday's close."
