"""How numbers are written for people: fixed places, thousands apart, a true minus (U+2212).

Points and commas are the reader's (bengi/writing.py), 1,234.56 where nobody has said otherwise.
static/js/numbers.js writes the same way what changes after the page has loaded; the browser
tests compare the two.
"""

from decimal import ROUND_HALF_EVEN, Decimal

from bengi import writing
from bengi.money import MINOR_UNITS, grouped

MINUS = "\N{MINUS SIGN}"
HIDDEN = "\N{BULLET}" * 5
"""An amount of money of one's own, to who is discreet."""
_SCALES = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K"))


def fixed(value: Decimal, places: int) -> str:
    """Write value with exactly `places` decimals: 1234.5 with 2 gives 1,234.50."""
    rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    return f"{MINUS if rounded < 0 else ''}{writing.number(f'{abs(rounded):,.{places}f}')}"


def signed(value: Decimal, places: int) -> str:
    """Write value as fixed() does, with a plus when it is above zero after rounding."""
    text = fixed(value, places)
    return f"+{text}" if direction(value, places) == "up" else text


def money(amount: Decimal, currency: str) -> str:
    """Write an amount to the currency's minor unit, without naming the currency."""
    return fixed(amount, MINOR_UNITS.get(currency, 2))


def signed_money(amount: Decimal, currency: str) -> str:
    """Write an amount as money() does, with its sign."""
    return signed(amount, MINOR_UNITS.get(currency, 2))


def own_money(amount: Decimal, currency: str) -> str:
    """Write what the reader has, had or made as money() does; as dots for who is discreet."""
    return HIDDEN if writing.current().is_discreet else money(amount, currency)


def own_signed_money(amount: Decimal, currency: str) -> str:
    """Write what the reader has, had or made as signed_money() does; as dots for the discreet."""
    return HIDDEN if writing.current().is_discreet else signed_money(amount, currency)


def price(value: Decimal, places: int) -> str:
    """Write a price with the instrument's places; more where it has more (an average, a cost)."""
    own = max(0, -int(value.normalize().as_tuple().exponent))
    return fixed(value, max(places, min(own, places + 2)))


def quantity(value: Decimal) -> str:
    """Write a number of shares: thousands apart, no trailing zeros."""
    return f"{MINUS if value < 0 else ''}{writing.number(grouped(abs(value)))}"


def compact(value: Decimal) -> str:
    """Write a large number shortly, to three or four figures: 11.4 M, 210 K, 950."""
    for scale, letter in _SCALES:
        if abs(value) >= scale:
            scaled = value / scale
            return f"{fixed(scaled, 0 if abs(scaled) >= 100 else 1)} {letter}"
    return quantity(value.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def age(seconds: Decimal | float) -> str:
    """Write how long ago something was: 0.3 s, 12 s, 5 min, 2 h 14 min, 3 d."""
    if seconds < 9.95:
        return f"{writing.number(f'{max(0, seconds):.1f}')} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, hours = whole // 60, whole // 3600
    if minutes < 60:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{hours // 24} d"


def direction(value: Decimal, places: int | None = None) -> str:
    """Return up, down or flat; with places, by what is left after rounding to them."""
    if places is not None:
        value = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    return "up" if value > 0 else "down" if value < 0 else "flat"
