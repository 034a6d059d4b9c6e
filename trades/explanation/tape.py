"""The quotes an order looked at as a drawing: bid and ask side by side, its limit, its fills.

What lies between two looks was not kept, so nothing is drawn there: each quote has a column of its
own, in their order and not to the scale of time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from bengi.money import plain
from trades.explanation.subject import Step, Subject, since
from trades.explanation.timeline import Entry

WIDTH, HEIGHT = 720, 184
TOP, BOTTOM = 28, 148
LEFT, RIGHT = 56, 604
STEP_MAX = 150
COLUMNS_MAX = 9
NAMED_MAX = 6
"""With more fills than this the drawing names none of them; the list does."""

_LABEL_APART = 14


@dataclass(frozen=True, slots=True)
class Column:
    """One quote: its band from ask down to bid. Coordinates are SVG units, as text."""

    x: str
    left: str
    width: str
    ask_y: str
    bid_y: str
    height: str
    label: str


@dataclass(frozen=True, slots=True)
class Dot:
    """One fill; its area grows with the quantity. words is empty where there are too many."""

    x: str
    y: str
    radius: str
    words: str
    words_x: str
    words_y: str


@dataclass(frozen=True, slots=True)
class PriceMark:
    """A price at the right edge."""

    y: str
    text_y: str
    text: str


@dataclass(frozen=True, slots=True)
class Tape:
    """What templates/trades/_tape.html draws. limit is None for an order without one."""

    columns: list[Column]
    dots: list[Dot]
    limit: PriceMark | None
    axis: list[PriceMark]
    words: str


@dataclass(slots=True)
class _Look:
    """A quote, when it was looked at, and the fills it gave: (price, quantity)."""

    quote: Step
    at: datetime
    fills: list[tuple[Decimal, Decimal]]


def tape_of(entries: Sequence[Entry], of: Subject, limit: Decimal | None) -> Tape | None:
    """Return the drawing of a story; None when it holds fewer than two different quotes."""
    looks = _looks(entries)
    if len(looks) < 2:
        return None
    scale = _scale(looks, limit)
    step = min(Decimal(STEP_MAX), Decimal(RIGHT - LEFT) / (len(looks) - 1))
    width = step * Decimal("0.6")
    left = (RIGHT + LEFT - step * (len(looks) - 1)) / 2
    start = looks[0].at
    columns: list[Column] = []
    dots: list[Dot] = []
    for place, look in enumerate(looks):
        x = left + step * place
        columns.append(_column(look, x, width, scale, start))
        dots += _dots(look, x, width, scale, of)
    if len(dots) > NAMED_MAX:
        dots = [replace(dot, words="") for dot in dots]
    mark = None if limit is None else _mark(limit, scale, of)
    return Tape(columns, dots, mark, _axis(scale, mark, of), _words(looks, limit, of))


@dataclass(frozen=True, slots=True)
class _Scale:
    lowest: Decimal
    highest: Decimal
    most: Decimal

    def y(self, price: Decimal) -> Decimal:
        share = (self.highest - price) / (self.highest - self.lowest)
        return TOP + share * (BOTTOM - TOP)


def _looks(entries: Sequence[Entry]) -> list[_Look]:
    """Return the two-sided quotes of a story, each once; of many the first and the latest."""
    looks: list[_Look] = []
    for entry in entries:
        quote = entry.quote
        if quote is None or quote["bid"] is None or quote["ask"] is None:
            continue
        before = looks[-1].quote if looks else {"bid": None, "ask": None}
        if (before["bid"], before["ask"]) != (quote["bid"], quote["ask"]):
            looks.append(_Look(quote, datetime.fromisoformat(entry.at), []))
        if entry.kind == "filled":
            fill = entry.numbers
            looks[-1].fills.append((Decimal(fill["price"]), Decimal(fill["quantity"])))
    return looks if len(looks) <= COLUMNS_MAX else [looks[0], *looks[1 - COLUMNS_MAX :]]


def _scale(looks: Sequence[_Look], limit: Decimal | None) -> _Scale:
    prices = [Decimal(look.quote[side]) for look in looks for side in ("bid", "ask")]
    prices += [price for look in looks for price, _ in look.fills]
    prices += [] if limit is None else [limit]
    lowest, highest = min(prices), max(prices)
    if lowest == highest:
        highest += 1
    quantities = [quantity for look in looks for _, quantity in look.fills]
    return _Scale(lowest, highest, max(quantities, default=Decimal(1)))


def _column(look: _Look, x: Decimal, width: Decimal, scale: _Scale, start: datetime) -> Column:
    ask_y, bid_y = (scale.y(Decimal(look.quote[side])) for side in ("ask", "bid"))
    label = since(start, look.at)
    return Column(
        x=_unit(x),
        left=_unit(x - width / 2),
        width=_unit(width),
        ask_y=_unit(ask_y),
        bid_y=_unit(bid_y),
        height=_unit(bid_y - ask_y),
        label=label,
    )


def _dots(look: _Look, x: Decimal, width: Decimal, scale: _Scale, of: Subject) -> Iterator[Dot]:
    for price, quantity in look.fills:
        radius = 4 + 4 * (quantity / scale.most).sqrt()
        y = scale.y(price)
        yield Dot(
            x=_unit(x),
            y=_unit(y),
            radius=_unit(radius),
            words=f"{of.number(quantity)} at {of.price(price)}",
            words_x=_unit(x + 12),
            words_y=_unit(y - 6),
        )


def _mark(price: Decimal, scale: _Scale, of: Subject) -> PriceMark:
    y = scale.y(price)
    return PriceMark(_unit(y), _unit(y + 4), of.price(price))


def _axis(scale: _Scale, limit: PriceMark | None, of: Subject) -> list[PriceMark]:
    """Return the highest and the lowest price, but for one that the limit's own mark covers."""
    marks = [_mark(price, scale, of) for price in (scale.highest, scale.lowest)]
    if limit is None:
        return marks
    return [mark for mark in marks if abs(Decimal(mark.y) - Decimal(limit.y)) > _LABEL_APART]


def _words(looks: Sequence[_Look], limit: Decimal | None, of: Subject) -> str:
    """Say what is drawn, for those who hear it; the list beside it says the same with numbers."""
    count = sum(len(look.fills) for look in looks)
    fills = f"{count} fill{'' if count == 1 else 's'}"
    held = "" if limit is None else f", the limit at {of.price(limit)}"
    return f"Bid and ask at {len(looks)} looks at the market{held}, and {fills}."


def _unit(value: Decimal) -> str:
    return plain(value.quantize(Decimal("0.1")))
