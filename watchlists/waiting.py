"""The alerts that wait, in memory: what a print meets is found without looking at all of them.

Pure. An instrument's alerts stand on a shelf that knows the nearest price above, the nearest one
below and the smallest change; a print that reaches none of the three costs three comparisons.
"""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

import msgspec

from bengi.terms import AlertKind
from instruments.quotes import Tick
from watchlists.conditions import HUNDRED, Terms, gives_reference, is_met


class Waiting(msgspec.Struct, frozen=True):
    """An alert that has not fired."""

    id: UUID
    instrument_id: str
    terms: Terms


class Shelf:
    """The alerts of one instrument."""

    __slots__ = ("_alerts", "_fall_to", "_percent", "_rise_to", "_without_reference")

    def __init__(self, alerts: Iterable[Waiting]) -> None:
        self._alerts = tuple(alerts)
        terms = [alert.terms for alert in self._alerts]
        self._rise_to = min((_price(each) for each in terms if _waits_above(each)), default=None)
        self._fall_to = max((_price(each) for each in terms if _waits_below(each)), default=None)
        percents = [each.percent for each in terms if each.percent is not None]
        self._percent = min(percents, default=None)
        self._without_reference = any(_has_no_side(each) for each in terms)

    def touched_by(self, tick: Tick) -> list[Waiting]:
        """Return the alerts that the print meets, or that take it as their reference."""
        if not self._is_near(tick):
            return []
        return [
            alert
            for alert in self._alerts
            if is_met(alert.terms, tick) or gives_reference(alert.terms, tick)
        ]

    def _is_near(self, tick: Tick) -> bool:
        last, close = tick.last, tick.previous_close
        if last is None:
            return False
        if self._without_reference:
            return True
        if self._rise_to is not None and last >= self._rise_to:
            return True
        if self._fall_to is not None and last <= self._fall_to:
            return True
        if self._percent is None or close is None:
            return False
        return abs(last - close) * HUNDRED >= self._percent * close


class Shelves:
    """All alerts that wait. instruments may be read from any thread; the rest has one."""

    def __init__(self) -> None:
        self.instruments: frozenset[str] = frozenset()
        self._shelves: dict[str, Shelf] = {}

    def fill(self, alerts: Iterable[Waiting], of: Iterable[str] | None = None) -> None:
        """Put alerts in the place of those of the named instruments, or of all of them."""
        found: dict[str, list[Waiting]] = defaultdict(list)
        for alert in alerts:
            found[alert.instrument_id].append(alert)
        shelves = {instrument_id: Shelf(group) for instrument_id, group in found.items()}
        if of is not None:
            named = set(of)
            kept = {key: shelf for key, shelf in self._shelves.items() if key not in named}
            shelves = kept | shelves
        self._shelves = shelves
        self.instruments = frozenset(shelves)

    def touched_by(self, tick: Tick) -> list[Waiting]:
        """Return the alerts that the print meets, or that take it as their reference."""
        shelf = self._shelves.get(tick.instrument_id)
        return [] if shelf is None else shelf.touched_by(tick)


def _price(terms: Terms) -> Decimal:
    assert terms.price is not None, "every kind but a change has a price"
    return terms.price


def _waits_above(terms: Terms) -> bool:
    if terms.kind is AlertKind.CROSSING:
        return terms.reference_price is not None and terms.reference_price < _price(terms)
    return terms.kind is AlertKind.ABOVE


def _waits_below(terms: Terms) -> bool:
    if terms.kind is AlertKind.CROSSING:
        return terms.reference_price is not None and terms.reference_price > _price(terms)
    return terms.kind is AlertKind.BELOW


def _has_no_side(terms: Terms) -> bool:
    is_crossing = terms.kind is AlertKind.CROSSING
    return is_crossing and terms.reference_price in {None, terms.price}
