"""What staff look at first: is the market heard, do the engines work, what waits, what is stopped.

Each part is a statement or two, however much there is, and is read only for who may see it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, Q

from accounts.models import LedgerAdjustment
from bengi import kafka
from bengi.events.models import RelayedStream, RelayLease
from bengi.events.positions import count_behind
from bengi.leases.models import Lease
from bengi.probe import HEARD_WITHIN_S, PRICED_WITHIN_S
from bengi.terms import (
    CorrectionOutcome,
    InstrumentStatus,
    OrderStatus,
    SetAsideOutcome,
    SetAsideStatus,
)
from instruments import calendar
from instruments.drops import dropped_ticks
from instruments.hours import market_hours
from instruments.models import Instrument, QuarantinedTick, Quote
from orders.models import Order, TradingHalt
from trades.models import SetAside, Shard, TradeCorrection

A_DAY = timedelta(days=1)
SHOWN = 8
"""Rows of a part that are told; the rest is a link away."""

OK, LATE, DOWN, OFF = "ok", "late", "down", "off"


@dataclass(frozen=True, slots=True)
class Market:
    """How old the newest price of an exchange is; late only while it trades."""

    mic: str
    instruments: int
    age_s: float | None
    is_open: bool

    @property
    def mark(self) -> str:
        if not self.is_open:
            return OFF
        return OK if self.age_s is not None and self.age_s <= PRICED_WITHIN_S else LATE


@dataclass(frozen=True, slots=True)
class EngineLine:
    """A shard's engine: when it was heard, and what waits for it."""

    shard: int
    instruments: int
    age_s: float | None
    starts: int
    deaths: int
    suspect: str
    waiting: int
    cancels: int
    oldest_s: float | None

    @property
    def mark(self) -> str:
        return OK if self.age_s is not None and self.age_s <= HEARD_WITHIN_S else DOWN


@dataclass(frozen=True, slots=True)
class Duty:
    """Who has a duty that one process alone has."""

    name: str
    by: str
    ends_s: float
    is_held: bool


@dataclass(frozen=True, slots=True)
class Relay:
    """How far what is published to Kafka has come."""

    behind: int
    published_s: float | None
    is_held: bool
    trouble: str

    @property
    def mark(self) -> str:
        if not self.is_held:
            return DOWN
        return LATE if self.trouble else OK


Part = Mapping[str, Any]


def desk_parts(may: Callable[[str], bool], now: datetime, market_now: datetime) -> Part:
    """Return the parts of the desk that somebody may see. now: the machine's time, to the engines.

    may: says of a permission whether they have it.
    """
    parts: dict[str, Any] = {"engines": _engines(now), "duties": _duties(now)}
    for name, (permission, read) in _PARTS.items():
        if may(permission):
            parts[name] = read(now, market_now)
    return parts


def _markets(_now: datetime, market_now: datetime) -> list[Market]:
    mode = market_hours()
    rows = (
        Quote.objects.values_list("instrument__mic")
        .annotate(count=Count("instrument_id"), newest=Max("as_of"))
        .order_by("instrument__mic")
    )
    return [
        Market(mic, count, _age_s(newest, market_now), calendar.is_open(mic, market_now, mode))
        for mic, count, newest in rows
    ]


def _engines(now: datetime) -> list[EngineLine]:
    listed = Instrument.objects.values_list("shard").annotate(count=Count("id")).order_by("shard")
    shards = {row.id: row for row in Shard.objects.all()}
    asked = Q(status=OrderStatus.PENDING_CANCEL)
    new = Q(status=OrderStatus.ACCEPTED) | Q(status=OrderStatus.HELD, replaces__isnull=False)
    waiting = (
        Order.objects.filter(asked | new, closed_at__isnull=True)
        .values_list("instrument__shard")
        .annotate(
            new=Count("id", filter=new), gone=Count("id", filter=asked), oldest=Min("updated_at")
        )
        .order_by()
    )
    queue = {shard: told for shard, *told in waiting}
    lines = []
    for shard, count in listed:
        row = shards.get(shard) or Shard(id=shard)
        new_count, gone, oldest = queue.get(shard, (0, 0, None))
        lines.append(
            EngineLine(
                shard=shard,
                instruments=count,
                age_s=_age_s(row.heard_at, now),
                starts=row.starts,
                deaths=row.deaths,
                suspect=row.suspect,
                waiting=new_count,
                cancels=gone,
                oldest_s=_age_s(oldest, now),
            )
        )
    return lines


def _duties(now: datetime) -> list[Duty]:
    return [
        Duty(
            row.duty,
            row.by,
            (row.expires_at - now).total_seconds(),
            row.holder is not None and row.expires_at > now,
        )
        for row in Lease.objects.order_by("duty")
    ]


def _set_aside(_now: datetime, market_now: datetime) -> Part:
    waits = Q(status=SetAsideStatus.SET_ASIDE, outcome=SetAsideOutcome.WAITING)
    late = ~Q(status=SetAsideStatus.TRYING) & Q(last_at__gt=market_now - A_DAY)
    counts = SetAside.objects.aggregate(
        waiting=Count("id", filter=waits), lately=Count("id", filter=late)
    )
    rows = SetAside.objects.filter(waits).select_related("instrument")[:SHOWN]
    return {**counts, "rows": list(rows)}


def _prints(now: datetime, _market_now: datetime) -> Part:
    found = QuarantinedTick.objects.filter(quarantined_at__gt=now - A_DAY)
    dropped = dropped_ticks()
    return {
        "count": found.count(),
        "rows": list(found.select_related("instrument")[:SHOWN]),
        "dropped": [(kind, dropped[kind]) for kind in ("insane", "doubted", "older")],
    }


def _switches(_now: datetime, _market_now: datetime) -> list[TradingHalt]:
    standing = TradingHalt.objects.filter(lifted_at__isnull=True)
    return list(standing.select_related("account__user", "halted_by"))


def _halted(_now: datetime, _market_now: datetime) -> Part:
    found = Instrument.objects.filter(status=InstrumentStatus.HALTED).order_by("symbol")
    return {"count": found.count(), "rows": list(found[: 3 * SHOWN])}


def _asked(_now: datetime, _market_now: datetime) -> Part:
    open_ones = LedgerAdjustment.objects.filter(approved_by__isnull=True, declined_by__isnull=True)
    return {
        "corrections": TradeCorrection.objects.filter(outcome=CorrectionOutcome.ASKED).count(),
        "adjustments": open_ones.count(),
    }


def _relay(now: datetime, _market_now: datetime) -> Relay | None:
    """Return None where nobody is to publish."""
    row = RelayLease.objects.first()
    if row is None and not kafka.is_used():
        return None
    return Relay(
        behind=count_behind(RelayedStream),
        published_s=_age_s(row.published_at, now) if row else None,
        is_held=row is not None and row.holder is not None and row.expires_at > now,
        trouble=row.trouble if row else "",
    )


_PARTS: dict[str, tuple[str, Callable[[datetime, datetime], Any]]] = {
    "markets": ("instruments.view_quote", _markets),
    "set_aside": ("trades.view_setaside", _set_aside),
    "prints": ("instruments.view_quarantinedtick", _prints),
    "switches": ("orders.view_tradinghalt", _switches),
    "halted": ("instruments.view_instrument", _halted),
    "asked": ("trades.view_tradecorrection", _asked),
    "relay": ("events.view_relaylease", _relay),
}


def _age_s(at: datetime | None, now: datetime) -> int | None:
    return None if at is None else round((now - at).total_seconds())
