"""The separators of the trade page: which parts they size, in pixels, and how far.

static/css/trade.css keeps to the same numbers, static/js/layout.js moves them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Split:
    """One separator. share: how much of the window, in percent, its part may take at most."""

    name: str
    label: str
    orientation: str
    usual: int
    least: int
    most: int
    share: int


SPLITS = (
    Split("list", "Width of the watchlist", "vertical", 272, 200, 440, 24),
    Split("side", "Width of ticket and depth", "vertical", 320, 288, 640, 34),
    Split("tabs", "Height of positions, orders and fills", "horizontal", 252, 120, 720, 55),
)
