"""What a client may ask of trades, staff of their corrections, and the JSON of an explanation.

The JSON of a trade and of a correction is trades/payloads.py.
"""

from typing import Any

from bengi.inputs import (
    DaysInput,
    Input,
    NameField,
    PositiveDecimalField,
    SearchField,
    TextField,
    UUIDField,
    WordField,
)
from bengi.listing import CsvForm, FileInput, OrderingField
from bengi.money import plain, plain_or_none
from bengi.pagination import PageInput
from bengi.terms import CorrectionOutcome, InstrumentStatus, Side
from orders.payloads import order_payload
from trades.explaining import Explanation, Now
from trades.explanation.costs import Costs, Shortfall
from trades.explanation.timeline import Entry
from trades.models import Trade
from trades.payloads import trade_payload

REASON_MAX = 180


TRADE_ORDERS = {
    "created": ("exec_id",),
    "executed_at": ("executed_at", "exec_id"),
    "booked_at": ("booked_at", "exec_id"),
    "symbol": ("instrument__symbol", "exec_id"),
    "quantity": ("quantity", "exec_id"),
    "price": ("price", "exec_id"),
    "net_amount": ("net_amount", "exec_id"),
}


class TradesInput(FileInput, DaysInput):
    """Filters of the list; all of them must hold. from and to are days of execution."""

    account = UUIDField(default=None)
    portfolio = UUIDField(default=None)
    symbol = TextField(max_length=16, default=None)
    side = WordField(list(Side), default=None)
    order = UUIDField(default=None)
    ordering = OrderingField(TRADE_ORDERS, default="-created")


class OrderTradesInput(FileInput):
    """The order of one order's trades."""

    ordering = OrderingField(TRADE_ORDERS, default="created")


class SummaryInput(DaysInput):
    """Which trades, by the day they were done, and how they are put together."""

    account = UUIDField(default=None)
    period = WordField(("day", "week", "month"), default="day")


class PeriodInput(DaysInput):
    """The days of a statement; without them, this month so far."""


class ListingInput(Input):
    """What staff may correct of an instrument, all of it."""

    name = NameField(max_length=120)
    tick_size = PositiveDecimalField()
    quantity_step = PositiveDecimalField()
    exchange_step = PositiveDecimalField(allow_null=True)
    status = WordField(list(InstrumentStatus), default=InstrumentStatus.ACTIVE)
    reason = SearchField(max_length=180, default="")


class ExecuteInput(Input):
    """What is to be filled by hand, and why."""

    order_id = UUIDField()
    quantity = PositiveDecimalField(code="invalid_quantity")
    price = PositiveDecimalField()
    reason = SearchField(max_length=REASON_MAX)


class BustInput(Input):
    """Why a trade is to be taken back."""

    reason = SearchField(max_length=REASON_MAX)


class AdjustInput(BustInput):
    """What about a trade is to be different, and why; what is absent stays."""

    price = PositiveDecimalField(default=None)
    quantity = PositiveDecimalField(code="invalid_quantity", default=None)


class CorrectionsInput(PageInput):
    """Which corrections: those of one outcome, or all."""

    outcome = WordField(list(CorrectionOutcome), default=None)
    ordering = OrderingField({"created": ("id",)}, default="-created")


def trade_shape(trade: Trade) -> dict[str, Any]:
    """Return the trade with what has become of it; instrument and busted_by are read with it."""
    bust = trade.bust
    told = trade_payload(trade, trade.instrument.symbol)
    return told | {"busted_by": str(bust.exec_id) if bust else None}


def explanation_shape(explanation: Explanation) -> dict[str, Any]:
    """Return an order with its story, oldest first, and why it has not filled if it is open."""
    order, timeline = explanation.order, explanation.timeline
    return {
        "order": order_payload(order, order.instrument.symbol),
        "text": explanation.text,
        "now": None if explanation.now is None else _now(explanation.now),
        "timeline": [_entry(entry) for entry in timeline.entries],
        "left_out": timeline.left_out,
        "costs": {"currency": order.instrument.currency, **_costs(explanation.costs)},
        "arrival": explanation.arrival,
    }


def _now(now: Now) -> dict[str, Any]:
    return {
        "at": now.at,
        "code": now.code,
        "text": now.text,
        "numbers": now.numbers,
        "quote": now.quote,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "at": entry.at,
        "kind": entry.kind,
        "code": entry.code,
        "by": entry.by,
        "title": entry.title,
        "text": entry.text,
        "quote": entry.quote,
        "numbers": entry.numbers,
        "checks": entry.checks,
    }


def _costs(costs: Costs) -> dict[str, Any]:
    return {
        "gross_amount": plain(costs.gross_amount),
        "commission": plain(costs.commission),
        "fees": plain(costs.fees),
        "average_price": plain_or_none(costs.average_price),
        "shortfall": None if costs.shortfall is None else _shortfall(costs.shortfall),
    }


def _shortfall(shortfall: Shortfall) -> dict[str, str]:
    return {
        "arrival_mid": plain(shortfall.arrival_mid),
        "per_share": plain(shortfall.per_share),
        "amount": plain(shortfall.amount),
        "bps": plain(shortfall.bps),
        "half_spread": plain(shortfall.half_spread),
        "waiting": plain(shortfall.waiting),
        "total": plain(shortfall.total),
        "total_bps": plain(shortfall.total_bps),
    }


TRADES_FILE = CsvForm(
    "trades",
    (
        *("executed_at", "symbol", "side", "quantity", "price", "gross_amount", "commission"),
        *("fees", "net_amount", "currency", "kind", "liquidity", "trade_date", "settles_on"),
        *("exec_id", "order_id", "account_id", "portfolio_id", "busts", "busted_by", "corrects"),
    ),
)
