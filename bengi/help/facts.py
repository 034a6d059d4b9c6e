"""The numbers of the help page, from where the product itself takes them: none is written twice."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from accounts.fees import in_force
from accounts.models import FeeSchedule, RegulatoryRate
from accounts.tariff import RATES, SCHEDULES, SEC, TAF
from bengi import numerals
from bengi.terms import CommissionKind
from instruments.calendar import HOURS, NAMES, POST_LASTS, PRE_OPENS
from instruments.hours import market_hours
from instruments.lines import hours_words
from instruments.realism import PROFILES, Profile, Touch
from orders.facts import DEFAULT_LIMITS
from orders.rules import PROTECTION
from orders.twins import WINDOW
from trades.matching.impact import CAP_PERCENT
from trades.settlement import T1_SINCE


class Fact(NamedTuple):
    """A row of the table of profiles: what it is about, and a text for each profile."""

    label: str
    texts: list[str]


_TOUCH_WORDS = {
    Touch.FILLS: "when the market comes to it",
    Touch.AFTER_QUEUE: "when the queue ahead of it has traded, or the market goes through",
    Touch.NEVER: "only when the market trades through it",
}


def profile_facts() -> list[Fact]:
    """Return what each realism profile is, in the order of bengi.terms.Realism."""
    rows = {
        "A quote decides for": lambda each: _span(each.max_age),
        "An order arrives": _arrival,
        "How much there is": _size,
        "Where the feed shows no sizes": _volume,
        "A resting limit order fills": lambda each: _TOUCH_WORDS[each.touch],
        "Where the feed quotes no prices": _spread,
    }
    return [Fact(label, [say(each) for each in PROFILES.values()]) for label, say in rows.items()]


def _arrival(profile: Profile) -> str:
    return f"{_span(profile.latency)} later" if profile.latency else "at once"


def _size(profile: Profile) -> str:
    if profile.is_unlimited:
        return "any size; others lose nothing"
    return "what is displayed; what one takes is gone for all until the next quote"


def _volume(profile: Profile) -> str:
    if profile.is_unlimited:
        return "any size at the quoted price"
    share = numerals.quantity(Decimal(profile.impact_percent) / 100)
    return (
        f"{profile.volume_percent} % of what traded last, its price moved by {share} × (share of "
        f"the volume)², {CAP_PERCENT} % at most"
    )


def _spread(profile: Profile) -> str:
    return {0: "the last price", 1: "a half-spread around it"}.get(
        profile.spread_factor, f"{profile.spread_factor} half-spreads around it"
    )


def _span(span: timedelta) -> str:
    if span < timedelta(seconds=1):
        return f"{span // timedelta(milliseconds=1)} ms"
    return f"{span // timedelta(seconds=1)} seconds"


class Fee(NamedTuple):
    """A fee schedule in words."""

    code: str
    name: str
    text: str


def fees_on(day: date) -> list[Fee]:
    """Return the fee schedules in force: the table's rows, those Bengi comes with without any."""
    rows: list[Any] = list(FeeSchedule.objects.all())
    if not rows:
        return [Fee(each.code, each.name, fee_words(each)) for each in SCHEDULES]
    found = [in_force([row for row in rows if row.code == code], day) for code in _codes(rows)]
    return [Fee(each.code, each.name, fee_words(each)) for each in found if each is not None]


def fee_words(terms: Any) -> str:
    """Say what a schedule costs, by its own numbers."""
    if terms.kind == CommissionKind.ZERO:
        return "Nothing."
    parts = []
    if terms.rate:
        parts.append(f"{_percent(terms.rate)} of the value")
    if terms.kind == CommissionKind.TIERED:
        parts.append(_tiers(terms.tiers))
    elif terms.per_share:
        parts.append(f"{numerals.quantity(terms.per_share)} a share")
    words = " and ".join(parts)
    if terms.minimum:
        words += f", at least {numerals.fixed(terms.minimum, 2)}"
    if terms.maximum_rate:
        words += f", at most {_percent(terms.maximum_rate)} of the value"
    return f"{words}."


def _tiers(tiers: Iterable[Iterable[str | None]]) -> str:
    said, above = [], ""
    for up_to, per_share in tiers:
        price = numerals.quantity(Decimal(per_share or 0))
        said.append(f"{price} above {above} shares a month" if above else f"{price} a share")
        above = numerals.quantity(Decimal(up_to)) if up_to else ""
    return ", ".join(said)


class Regulatory(NamedTuple):
    """What a sale of a US listing owes beside the commission."""

    name: str
    text: str
    since: date


def regulatory_on(day: date) -> list[Regulatory]:
    """Return what US regulators take of a sale on day; nothing where nothing is known."""
    rows: list[Any] = list(RegulatoryRate.objects.all()) or list(RATES)
    names = {SEC: "SEC, section 31", TAF: "FINRA, trading activity fee"}
    told = []
    for code, name in names.items():
        row = in_force([each for each in rows if each.code == code], day)
        if row is not None and (row.per_million or row.per_share):
            told.append(Regulatory(name, _rate_words(row), row.effective_from))
    return told


def _rate_words(row: Any) -> str:
    if row.per_million:
        return f"{numerals.fixed(row.per_million, 2)} for a million of value"
    capped = f", at most {numerals.fixed(row.cap, 2)}" if row.cap is not None else ""
    return f"{numerals.quantity(row.per_share)} a share{capped}"


def _codes(rows: Iterable[Any]) -> list[str]:
    known = [each.code for each in SCHEDULES]
    others = sorted({row.code for row in rows} - set(known))
    return [*known, *others]


class Market(NamedTuple):
    """One exchange: its hours by its own clock, and what it does now."""

    mic: str
    name: str
    hours: str
    lunch: str
    extended: str
    city: str
    now: str


def markets_at(now: Any) -> list[Market]:
    """Return the exchanges with their regular hours."""
    return [_market(mic, now) for mic in HOURS]


def _market(mic: str, now: Any) -> Market:
    hours = HOURS[mic]
    lunch = extended = ""
    if hours.break_starts and hours.break_ends:
        lunch = f"{hours.break_starts:%H:%M} to {hours.break_ends:%H:%M}"
    if mic in PRE_OPENS:
        ends = (hours.closes.hour + POST_LASTS // timedelta(hours=1)) % 24
        extended = f"{PRE_OPENS[mic]:%H:%M} to {ends:02}:{hours.closes:%M}"
    city = hours.zone.key.rpartition("/")[2].replace("_", " ")
    between = f"{hours.opens:%H:%M} to {hours.closes:%H:%M}"
    return Market(mic, NAMES[mic], between, lunch, extended, city, hours_words(mic, now))


def numbers() -> dict[str, Any]:
    """Return the numbers that stand inside of sentences."""
    limits = DEFAULT_LIMITS
    return {
        "protection_percent": _percent(PROTECTION - 1),
        "collar": _percent(limits.collar),
        "low_price": numerals.quantity(limits.low_price),
        "low_price_collar": _percent(limits.low_price_collar),
        "max_notional": numerals.quantity(limits.max_notional),
        "max_quantity": numerals.quantity(limits.max_quantity),
        "max_open_orders": limits.max_open_orders,
        "max_open_orders_here": limits.max_open_orders_here,
        "twins": _span(WINDOW),
        "settles_next_day_since": T1_SINCE,
        "is_always_open": market_hours() == "always",
    }


def _percent(share: Decimal) -> str:
    return f"{numerals.quantity((share * 100).normalize())} %"
